import mongoose, { type mongo, type Schema } from 'mongoose';
import './mongo-broken-sockets.ts';
import type { ObjectId } from '../lib/ids.ts';

/** What every record of a tenant carries. */
export interface TenantDocument {
  _id: ObjectId;
  workspaceId: ObjectId;
}

type Document = { _id: ObjectId };
type Filter<T> = mongo.Filter<T>;

// biome-ignore lint/suspicious/noExplicitAny: schemas of every entity share this list
const declared = new Map<string, Schema<any>>();

/**
 * Declares a collection whose documents belong to workspaces. The Mongoose schema is its declaration (types and
 * indexes); reads and writes go through the scoped helper over the driver's own collection, because hydrating and
 * validating a second time would only cost time: input was validated at the edge.
 */
// biome-ignore lint/suspicious/noExplicitAny: the document type is given by the caller
export function tenantCollection<T extends TenantDocument>(name: string, schema: Schema<any>) {
  declared.set(name, schema);
  return (db: Database): TenantCollection<T> => db.tenant<T>(name);
}

/** Declares a collection that stands above workspaces (users, workspaces, sessions): its queries are not scoped. */
// biome-ignore lint/suspicious/noExplicitAny: the document type is given by the caller
export function globalCollection<T extends Document>(name: string, schema: Schema<any>) {
  declared.set(name, schema);
  return (db: Database): mongo.Collection<T> => db.global<T>(name);
}

/** The one way to a tenant's documents: every method takes the workspace first and adds it to the filter last. */
export class TenantCollection<T extends TenantDocument> {
  readonly name: string;
  /** For system work across workspaces (sweeps, lookups by a global secret); a use of it has to justify itself. */
  readonly acrossTenants: mongo.Collection<T>;

  readonly #db: mongo.Db;

  constructor(db: mongo.Db, name: string) {
    this.name = name;
    this.acrossTenants = db.collection<T>(name);
    this.#db = db;
  }

  /**
   * Asks by _id alone and compares the tenant here: the engine answers that from the id index without planning,
   * which is about a fifth cheaper than a filter on both.
   */
  async findById(
    workspaceId: ObjectId,
    id: ObjectId,
    options?: Pick<PageOptions, 'projection'>,
  ): Promise<T | null> {
    const [found] = await this.#read({ _id: id } as Filter<T>, { ...options, limit: 1 });
    return found?.workspaceId.equals(workspaceId) ? found : null;
  }

  /** At most `limit` documents, for the paths that matter most. */
  findPage(workspaceId: ObjectId, filter: Filter<T>, options: PageOptions): Promise<T[]> {
    return this.#read(scoped(workspaceId, filter), options);
  }

  /**
   * One find command and its answer. The driver's cursor decodes document by document and does much that a page has
   * no use for: without it a page of 100 costs this process less than half. The cursor comes in where it is needed:
   * for an answer of more than 16 MiB, and for the second try after a lost connection.
   */
  async #read(filter: Filter<T>, options: PageOptions): Promise<T[]> {
    // The larger batch size lets the server see that the limit is the end.
    const command = { find: this.name, filter, ...options, batchSize: options.limit + 1 };
    try {
      const { cursor } = (await this.#db.command(command, readOptions)) as FindAnswer<T>;
      if (isExhausted(cursor.id)) return cursor.firstBatch;
      await this.#db.command({ killCursors: this.name, cursors: [cursor.id] });
    } catch (error) {
      if (!isMongoUnavailable(error)) throw error;
    }
    return this.acrossTenants.find(filter, options).toArray() as Promise<T[]>;
  }

  findOne(workspaceId: ObjectId, filter: Filter<T>, options?: mongo.FindOptions): Promise<T | null> {
    return this.acrossTenants.findOne(scoped(workspaceId, filter), options) as Promise<T | null>;
  }

  find(workspaceId: ObjectId, filter: Filter<T>, options?: mongo.FindOptions): mongo.FindCursor<T> {
    return this.acrossTenants.find(scoped(workspaceId, filter), options) as mongo.FindCursor<T>;
  }

  count(workspaceId: ObjectId, filter: Filter<T>, options?: mongo.CountDocumentsOptions): Promise<number> {
    return this.acrossTenants.countDocuments(scoped(workspaceId, filter), options);
  }

  aggregate<R extends mongo.Document>(
    workspaceId: ObjectId,
    filter: Filter<T>,
    stages: mongo.Document[],
    options?: mongo.AggregateOptions,
  ): mongo.AggregationCursor<R> {
    return this.acrossTenants.aggregate<R>([{ $match: scoped(workspaceId, filter) }, ...stages], options);
  }

  async insertOne(workspaceId: ObjectId, document: T): Promise<void> {
    assertTenant(workspaceId, document);
    await this.acrossTenants.insertOne(document as mongo.OptionalUnlessRequiredId<T>);
  }

  /** Inserts what can be inserted and returns the rejected documents by index. */
  async insertMany(workspaceId: ObjectId, documents: T[]): Promise<Map<number, unknown>> {
    for (const document of documents) assertTenant(workspaceId, document);
    if (documents.length === 0) return new Map();
    try {
      await this.acrossTenants.insertMany(documents as mongo.OptionalUnlessRequiredId<T>[], {
        ordered: false,
      });
      return new Map();
    } catch (error) {
      if (!(error instanceof mongoose.mongo.MongoBulkWriteError)) throw error;
      const writeErrors = [error.writeErrors].flat();
      // No document was rejected: the connection was lost, and nobody knows which of them were written.
      if (writeErrors.length === 0) throw causeOf(error);
      return new Map(writeErrors.map((writeError) => [writeError.index, writeError]));
    }
  }

  findOneAndUpdate(
    workspaceId: ObjectId,
    filter: Filter<T>,
    update: mongo.UpdateFilter<T> | mongo.Document[],
    options: mongo.FindOneAndUpdateOptions = {},
  ): Promise<T | null> {
    return this.acrossTenants.findOneAndUpdate(scoped(workspaceId, filter), update, {
      returnDocument: 'after',
      ...options,
    }) as Promise<T | null>;
  }

  findOneAndDelete(workspaceId: ObjectId, filter: Filter<T>): Promise<T | null> {
    return this.acrossTenants.findOneAndDelete(scoped(workspaceId, filter)) as Promise<T | null>;
  }

  /** Changes the document that the filter names, or makes it; several at once make one, given a unique index. */
  async upsert(workspaceId: ObjectId, filter: Filter<T>, update: mongo.UpdateFilter<T>): Promise<T> {
    const once = () => this.findOneAndUpdate(workspaceId, filter, update, { upsert: true }) as Promise<T>;
    try {
      return await once();
    } catch (error) {
      // Another one made it just now: there is something to change.
      if (duplicateKeyFields(error)) return once();
      throw error;
    }
  }

  async updateOne(
    workspaceId: ObjectId,
    filter: Filter<T>,
    update: mongo.UpdateFilter<T> | mongo.Document[],
    options: mongo.UpdateOptions = {},
  ): Promise<boolean> {
    const result = await this.acrossTenants.updateOne(scoped(workspaceId, filter), update, options);
    return result.matchedCount > 0;
  }

  async updateMany(
    workspaceId: ObjectId,
    filter: Filter<T>,
    update: mongo.UpdateFilter<T> | mongo.Document[],
    options: mongo.UpdateOptions = {},
  ): Promise<number> {
    return (await this.acrossTenants.updateMany(scoped(workspaceId, filter), update, options)).modifiedCount;
  }

  async deleteMany(workspaceId: ObjectId, filter: Filter<T>): Promise<number> {
    return (await this.acrossTenants.deleteMany(scoped(workspaceId, filter))).deletedCount;
  }
}

/** What a page can ask for. */
export interface PageOptions {
  limit: number;
  sort?: Record<string, 1 | -1>;
  hint?: string;
  projection?: mongo.Document | undefined;
}

interface FindAnswer<T> {
  cursor: { id: mongo.Long | number | bigint; firstBatch: T[] };
}

/** A command takes no options from its connection. Text that we wrote is UTF-8; checking it again costs a tenth. */
const readOptions = { ignoreUndefined: true, enableUtf8Validation: false };

const isExhausted = (id: FindAnswer<unknown>['cursor']['id']): boolean => Number(id) === 0;

const scoped = <T extends TenantDocument>(workspaceId: ObjectId, filter: Filter<T>): Filter<T> =>
  ({ ...filter, workspaceId }) as Filter<T>;

function assertTenant(workspaceId: ObjectId, document: TenantDocument): void {
  if (!document.workspaceId.equals(workspaceId))
    throw new Error('A document was about to be written to another workspace');
}

export interface Database {
  tenant<T extends TenantDocument>(name: string): TenantCollection<T>;
  global<T extends Document>(name: string): mongo.Collection<T>;
  /** Creates the indexes of every declared collection; safe to run from several processes at once. */
  ensureIndexes(): Promise<void>;
  /** The server's clock; throws when it can't be asked. */
  serverTime(): Promise<Date>;
  close(): Promise<void>;
}

/**
 * How long a request waits for a server, and how soon one that hangs is found out: a monitor asks it every second and
 * waits two for the answer, and then breaks off whatever waits for that server.
 */
const serverSelectionTimeoutMs = 2_000;
const heartbeatMs = 1_000;
const connectTimeoutMs = 2_000;
/** In case the server answers its monitor but not us. Longer than any operation takes, save the making of an index. */
const socketTimeoutMs = 10_000;
/** How long an operation waits for one of the pool's connections. */
const waitQueueTimeoutMs = 5_000;

/** Connects to MongoDB. @throws when no server answers in time */
export async function connectMongo(url: string, options: { databaseName?: string } = {}): Promise<Database> {
  const connect = (patienceMs: number) =>
    mongoose
      .createConnection(url, {
        ...(options.databaseName ? { dbName: options.databaseName } : {}),
        autoIndex: false,
        autoCreate: false,
        bufferCommands: false,
        serverSelectionTimeoutMS: serverSelectionTimeoutMs,
        heartbeatFrequencyMS: heartbeatMs,
        connectTimeoutMS: connectTimeoutMs,
        socketTimeoutMS: patienceMs,
        waitQueueTimeoutMS: waitQueueTimeoutMs,
        // A write whose answer never came must not be sent again by the driver behind our back: the idempotency key
        // decides about that.
        retryWrites: false,
        maxPoolSize: 50,
        ignoreUndefined: true,
      })
      .asPromise();
  const connection = await connect(socketTimeoutMs);
  const native = connection.db;
  if (!native) throw new Error('MongoDB is not connected');
  const tenants = new Map<string, unknown>();

  return {
    tenant<T extends TenantDocument>(name: string) {
      let collection = tenants.get(name) as TenantCollection<T> | undefined;
      if (!collection) {
        collection = new TenantCollection<T>(native, name);
        tenants.set(name, collection);
      }
      return collection;
    },
    global: <T extends Document>(name: string) => native.collection<T>(name),
    async ensureIndexes() {
      // An index over many records takes longer to make than anything else may, so it gets a connection of its own.
      const patient = await connect(0);
      try {
        const create = async ([name, schema]: [string, Schema]) => {
          const model = patient.model(name, schema, name);
          await model.createCollection();
          await model.createIndexes();
        };
        // Side by side, for every start does this.
        await Promise.all([...declared].map(create));
      } finally {
        await patient.close();
      }
    },
    async serverTime() {
      // The very clock that updates use; `hello` leaves its time out on the embedded engine.
      const stages = [{ $documents: [{}] }, { $set: { now: '$$NOW' } }];
      const [answer] = await native.aggregate<{ now: Date }>(stages).toArray();
      if (!answer) throw new Error('The database server did not tell its time');
      return answer.now;
    },
    close: () => connection.close(),
  };
}

/** The fields of the unique index that a write ran into, or undefined when the error is another one. */
export function duplicateKeyFields(error: unknown): string[] | undefined {
  const { code, keyPattern, err } = error as {
    code?: number;
    keyPattern?: Record<string, unknown>;
    err?: { keyPattern?: Record<string, unknown>; errmsg?: string };
  };
  if (code !== 11_000) return undefined;
  return Object.keys(keyPattern ?? err?.keyPattern ?? {});
}

/** Whether a write was refused because the document would exceed the server's 16 MiB. */
export const isDocumentTooLarge = (error: unknown): boolean =>
  documentTooLargeCodes.has((error as { code?: unknown }).code);

/** BSONObjectTooLarge, and the two that an update reports. */
const documentTooLargeCodes = new Set<unknown>([10_334, 17_419, 17_420]);

/** Whether the error says that MongoDB can't be reached, rather than that it refused something. */
export function isMongoUnavailable(error: unknown): boolean {
  const {
    MongoNetworkError,
    MongoServerSelectionError,
    MongoNotConnectedError,
    MongoServerClosedError,
    MongoTopologyClosedError,
    MongoServerError,
  } = mongoose.mongo;
  const cause = causeOf(error);
  // A cleared pool and a pool that could not connect are both kinds of MongoNetworkError.
  if (cause instanceof MongoServerError) return notPrimaryCodes.has(Number(cause.code));
  const { name, code } = (cause ?? {}) as { name?: string; code?: unknown };
  return (
    cause instanceof MongoNetworkError ||
    cause instanceof MongoServerSelectionError ||
    cause instanceof MongoNotConnectedError ||
    cause instanceof MongoServerClosedError ||
    cause instanceof MongoTopologyClosedError ||
    name === waitQueueTimeoutName ||
    brokenSocketCodes.has(code)
  );
}

/** The driver does not export the class. */
const waitQueueTimeoutName = 'MongoWaitQueueTimeoutError';

/** A socket that breaks while a large command is being written shows as the system's own error. */
const brokenSocketCodes = new Set<unknown>(['EPIPE', 'ECONNRESET']);

/** The driver wraps whatever ends a bulk write, a lost connection too, in what looks like the server's own error. */
function causeOf(error: unknown): unknown {
  if (!(error instanceof mongoose.mongo.MongoBulkWriteError)) return error;
  const { errorResponse } = error as { errorResponse: unknown };
  return errorResponse instanceof Error ? errorResponse : error;
}

/** ShutdownInProgress, NotWritablePrimary, InterruptedAtShutdown, InterruptedDueToReplStateChange, NotPrimaryNoSecondaryOk, PrimarySteppedDown. */
const notPrimaryCodes = new Set([91, 10_107, 11_600, 11_602, 13_435, 189]);
