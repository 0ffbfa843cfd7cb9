import { LRUCache } from 'lru-cache';
import mongoose, { type mongo } from 'mongoose';
import { fulfilled, gather } from '../lib/gather.ts';
import type { ObjectId } from '../lib/ids.ts';
import { boundedCollection, commandTimeoutMs, sweepTimeoutMs } from './bounded-collection.ts';
import { causeOf, duplicateKeyFields, isConnectionLost, isMongoUnavailable } from './mongo-errors.ts';

type Filter<T> = mongo.Filter<T>;

/** What every record of a tenant carries. */
export interface TenantDocument {
  _id: ObjectId;
  workspaceId: ObjectId;
}

/**
 * The one way to a tenant's documents: every method takes the workspace first and adds it to the filter last, reads and
 * writes by id too where collections are divided by workspace, so that each command goes to one place. Every command
 * has a time that it may take.
 */
export class TenantCollection<T extends TenantDocument> {
  readonly name: string;
  /** For system work across workspaces (sweeps, lookups by a global secret); a use of it has to justify itself. */
  readonly acrossTenants: mongo.Collection<T>;

  readonly #db: mongo.Db;
  readonly #collection: mongo.Collection<T>;
  readonly #isDivided: boolean;

  /** @param isDivided whether the database server may be one that sends commands on to the parts of a cluster */
  constructor(db: mongo.Db, name: string, isDivided: boolean) {
    this.name = name;
    this.#isDivided = isDivided;
    const collection = db.collection<T>(name);
    this.acrossTenants = boundedCollection(collection, sweepTimeoutMs);
    this.#collection = boundedCollection(collection, commandTimeoutMs);
    this.#db = db;
  }

  /**
   * Reads go together with those of the same moment, whichever tenants' they are; each gets only what is its own. Calls
   * for the same id may get the same object: documents are read, never changed in place.
   */
  async findById(
    workspaceId: ObjectId,
    id: ObjectId,
    options?: Pick<PageOptions, 'projection'>,
  ): Promise<T | null> {
    if (options) return this.findOne(workspaceId, { _id: id } as Filter<T>, { ...options, hint: '_id_' });
    return this.#findGathered({ workspaceId, id });
  }

  readonly #findGathered = gather(gatheredMax, async (asked: Asked[]) => {
    const [first] = asked;
    if (asked.length === 1 && first) {
      const document = await this.#readOne(this.#byIds(first.id, first.workspaceId), { hint: '_id_' });
      return [fulfilled(ownOf(first.workspaceId, document))];
    }
    const ids = { $in: asked.map(({ id }) => id) };
    const workspaceIds = { $in: distinctIds(asked.map(({ workspaceId }) => workspaceId)) };
    const found = await this.#read(this.#byIds(ids, workspaceIds), { limit: asked.length, hint: '_id_' });
    const byId = new Map(found.map((document) => [document._id.toHexString(), document]));
    return asked.map(({ workspaceId, id }) => fulfilled(ownOf(workspaceId, byId.get(id.toHexString()))));
  });

  /**
   * What finds documents by their ids. The server has a way of its own for a filter that names the id alone, by which a
   * read costs an eighth less; `ownOf` sees to it that nobody gets another's.
   */
  #byIds(_id: object, workspaceId: object): Filter<T> {
    return (this.#isDivided ? { _id, workspaceId } : { _id }) as Filter<T>;
  }

  /** At most `limit` documents, for the paths that matter most. */
  findPage(workspaceId: ObjectId, filter: Filter<T>, options: PageOptions): Promise<T[]> {
    return this.#read(scoped(workspaceId, filter), options);
  }

  /**
   * As many documents of a page as have room in `bytesMax`, and at least one. They are decoded one by one, so what has no
   * room costs its transfer and nothing more; and where many had none, fewer are asked for the next time.
   */
  async findWithin(
    workspaceId: ObjectId,
    filter: Filter<T>,
    options: PageOptions,
    bytesMax: number,
  ): Promise<Fitting<T>> {
    const workspace = workspaceId.toHexString();
    const limit = Math.min(options.limit, this.#pageRows.get(workspace) ?? options.limit);
    const scope = scoped(workspaceId, filter);
    const command = this.#find(scope, { ...options, limit, batchSize: limit, singleBatch: true });
    const fitting = await this.#readFitting(command, bytesMax);
    const count = fitting.documents.length;
    if (!fitting.isWhole) this.#pageRows.set(workspace, 2 * count + 1);
    else if (count === limit && limit < options.limit) {
      this.#pageRows.set(workspace, 2 * limit);
      return { ...fitting, isWhole: false };
    }
    return fitting;
  }

  /** How many rows of a page to ask for, by workspaces whose documents are large. */
  readonly #pageRows = new LRUCache<string, number>({ max: largeTenantsMax });

  /**
   * The same of those that meet a further condition, among the first `examined` that the filter leads to. The server stops
   * at the page's end, however many there are.
   */
  findAmong(
    workspaceId: ObjectId,
    filter: Filter<T>,
    condition: Filter<T>,
    { examined, sort, limit, hint, projection }: PageOptions & { examined: number; sort: mongo.Sort },
    bytesMax: number,
  ): Promise<Fitting<T>> {
    const pipeline = [
      { $match: scoped(workspaceId, filter) },
      { $sort: sort },
      { $limit: examined },
      { $match: condition },
      { $limit: limit },
      ...(projection ? [{ $project: projection }] : []),
    ];
    // The larger batch size lets the server see that the limit is the end.
    return this.#readFitting(
      { aggregate: this.name, pipeline, hint, cursor: { batchSize: limit + 1 } },
      bytesMax,
    );
  }

  async #readFitting(command: mongo.Document, bytesMax: number): Promise<Fitting<T>> {
    // The server's batch ends at 16 MiB by itself, which is beyond any bound.
    const { id, firstBatch } = await this.#command<Uint8Array>(command, rawOptions);
    if (!isExhausted(id)) await this.#db.command({ killCursors: this.name, cursors: [id] });
    const documents: T[] = [];
    let bytes = 0;
    for (const raw of firstBatch) {
      if (bytes + raw.byteLength > bytesMax && documents.length > 0)
        return { documents, bytes, isWhole: false };
      bytes += raw.byteLength;
      documents.push(mongoose.mongo.BSON.deserialize(raw, decodeOptions) as T);
    }
    return { documents, bytes, isWhole: isExhausted(id) };
  }

  /** All of an answer; the driver's cursor comes in where it has more than the 16 MiB of one batch. */
  async #read(filter: Filter<T>, options: PageOptions): Promise<T[]> {
    // The larger batch size lets the server see that the limit is the end.
    const { id, firstBatch } = await this.#command<T>(
      this.#find(filter, { ...options, batchSize: options.limit + 1 }),
    );
    if (isExhausted(id)) return firstBatch;
    await this.#db.command({ killCursors: this.name, cursors: [id] });
    return this.#collection.find(filter, options).toArray() as Promise<T[]>;
  }

  async #readOne(filter: Filter<T>, options: FindOneOptions = {}): Promise<T | null> {
    const { firstBatch } = await this.#command<T>(
      this.#find(filter, { ...options, limit: 1, singleBatch: true }),
    );
    return firstBatch[0] ?? null;
  }

  #find(filter: Filter<T>, options: object): mongo.Document {
    return { find: this.name, filter, ...options };
  }

  /**
   * One reading command and its answer. The driver's cursor decodes document by document and does much that a page has no
   * use for: without it a page of 100 costs this process less than half. It is sent once more when the connection was
   * lost, which says nothing about the command; never when the time was up.
   */
  async #command<D>(command: mongo.Document, decode: object = readOptions) {
    const bounded = { ...command, maxTimeMS: commandTimeoutMs };
    const send = async () => ((await this.#db.command(bounded, decode)) as FindAnswer<D>).cursor;
    try {
      return await send();
    } catch (error) {
      if (!isConnectionLost(error)) throw error;
      return send();
    }
  }

  findOne(workspaceId: ObjectId, filter: Filter<T>, options?: FindOneOptions): Promise<T | null> {
    return this.#readOne(scoped(workspaceId, filter), options);
  }

  find(workspaceId: ObjectId, filter: Filter<T>, options?: mongo.FindOptions): mongo.FindCursor<T> {
    return this.#collection.find(scoped(workspaceId, filter), options) as mongo.FindCursor<T>;
  }

  count(workspaceId: ObjectId, filter: Filter<T>, options?: mongo.CountDocumentsOptions): Promise<number> {
    return this.#collection.countDocuments(scoped(workspaceId, filter), options);
  }

  aggregate<R extends mongo.Document>(
    workspaceId: ObjectId,
    filter: Filter<T>,
    stages: mongo.Document[],
    options?: mongo.AggregateOptions,
  ): mongo.AggregationCursor<R> {
    return this.#collection.aggregate<R>([{ $match: scoped(workspaceId, filter) }, ...stages], options);
  }

  async insertOne(workspaceId: ObjectId, document: T): Promise<void> {
    assertTenant(workspaceId, document);
    await this.#insertGathered(document);
  }

  readonly #insertGathered = gatherWrites<T, void>(
    async (documents) => {
      const rejected = await this.#insertAll(documents);
      return new Map(
        [...documents.keys()].filter((index) => !rejected.has(index)).map((index) => [index, undefined]),
      );
    },
    async (document) => {
      await this.#collection.insertOne(document as mongo.OptionalUnlessRequiredId<T>);
    },
  );

  /** Inserts what can be inserted and returns the rejected documents by index. */
  async insertMany(workspaceId: ObjectId, documents: T[]): Promise<Map<number, unknown>> {
    for (const document of documents) assertTenant(workspaceId, document);
    return this.#insertAll(documents);
  }

  /** The same for the system, which writes documents of several workspaces in one command. */
  insertForAll(documents: T[]): Promise<Map<number, unknown>> {
    return this.#insertAll(documents);
  }

  async #insertAll(documents: T[]): Promise<Map<number, unknown>> {
    if (documents.length === 0) return new Map();
    try {
      await this.#collection.insertMany(documents as mongo.OptionalUnlessRequiredId<T>[], {
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
    return this.#collection.findOneAndUpdate(scoped(workspaceId, filter), update, {
      returnDocument: 'after',
      ...options,
    }) as Promise<T | null>;
  }

  findOneAndDelete(
    workspaceId: ObjectId,
    filter: Filter<T>,
    options: Pick<mongo.FindOneAndDeleteOptions, 'hint'> = {},
  ): Promise<T | null> {
    return this.#collection.findOneAndDelete(scoped(workspaceId, filter), options) as Promise<T | null>;
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

  /** @returns whether there was such a document */
  updateOne(
    workspaceId: ObjectId,
    filter: Filter<T>,
    update: mongo.UpdateFilter<T> | mongo.Document[],
    options: UpdateOptions = {},
  ): Promise<boolean> {
    return this.#updateGathered({ filter: scoped(workspaceId, filter), update, ...options });
  }

  readonly #updateGathered = gatherWrites<Update<T>, boolean>(
    async (updates) => {
      const models = updates.map((update) => ({
        name: 'updateOne',
        namespace: this.#collection.namespace,
        ...update,
      }));
      const options = { ordered: false, verboseResults: true, maxTimeMS: commandTimeoutMs };
      const results = await bulkResults(this.#db.client.bulkWrite(models as never, options));
      return new Map([...results].map(([index, { matchedCount }]) => [index, matchedCount > 0]));
    },
    async ({ filter, update, ...options }) =>
      (await this.#collection.updateOne(filter, update, options)).matchedCount > 0,
  );

  async updateMany(
    workspaceId: ObjectId,
    filter: Filter<T>,
    update: mongo.UpdateFilter<T> | mongo.Document[],
    options: mongo.UpdateOptions = {},
  ): Promise<number> {
    return (await this.#collection.updateMany(scoped(workspaceId, filter), update, options)).modifiedCount;
  }

  async deleteMany(
    workspaceId: ObjectId,
    filter: Filter<T>,
    options: Pick<mongo.DeleteOptions, 'hint'> = {},
  ): Promise<number> {
    return (await this.#collection.deleteMany(scoped(workspaceId, filter), options)).deletedCount;
  }
}

/** Workspaces with large documents, in one collection, of which that is remembered. */
const largeTenantsMax = 1_000;

/** How many reads or writes of one moment go to the server as one command. */
const gatheredMax = 100;

/**
 * Gathers writes. One that is refused, or that keeps the command from being sent at all, is made once more alone: so it
 * learns which unique rule it broke, which errors of several writes don't tell, and the others, which are somebody
 * else's, don't suffer from it.
 * @param together returns the results of those that succeeded, by index
 */
const gatherWrites = <W, R>(
  together: (writes: W[]) => Promise<Map<number, R>>,
  alone: (write: W) => Promise<R>,
): ((write: W) => Promise<R>) =>
  gather(gatheredMax, async (writes: W[]) => {
    let results = new Map<number, R>();
    try {
      if (writes.length > 1) results = await together(writes);
    } catch (error) {
      if (isMongoUnavailable(error)) throw error;
    }
    return Promise.allSettled(
      writes.map((write, index) => (results.has(index) ? (results.get(index) as R) : alone(write))),
    );
  });

interface UpdateOptions {
  hint?: mongo.Hint;
}

interface Update<T> extends UpdateOptions {
  filter: Filter<T>;
  update: mongo.UpdateFilter<T> | mongo.Document[];
}

/** The results of the updates that were made, by index. @throws what kept all of them from being made */
async function bulkResults(
  write: Promise<mongo.ClientBulkWriteResult>,
): Promise<ReadonlyMap<number, mongo.ClientUpdateResult>> {
  try {
    return (await write).updateResults ?? new Map();
  } catch (error) {
    if (!(error instanceof mongoose.mongo.MongoClientBulkWriteError)) throw error;
    const [notDurable] = error.writeConcernErrors;
    if (notDurable) throw new mongoose.mongo.MongoServerError({ ...notDurable });
    if (error.cause) throw error.cause;
    return error.partialResult?.updateResults ?? new Map();
  }
}

interface Asked {
  workspaceId: ObjectId;
  id: ObjectId;
}

const distinctIds = (ids: ObjectId[]): ObjectId[] => [
  ...new Map(ids.map((id) => [id.toHexString(), id])).values(),
];

type FindOneOptions = Pick<mongo.FindOptions, 'projection' | 'sort' | 'hint'>;

/** What a page can ask for. */
export interface PageOptions {
  limit: number;
  skip?: number;
  sort?: Record<string, 1 | -1>;
  hint?: string;
  projection?: mongo.Document | undefined;
}

/** As many documents as had room. */
export interface Fitting<T> {
  documents: T[];
  bytes: number;
  isWhole: boolean;
}

interface FindAnswer<T> {
  cursor: { id: mongo.Long | number | bigint; firstBatch: T[] };
}

/** A command takes no options from its connection. Text that we wrote is UTF-8; checking it again costs a tenth. */
const readOptions = { ignoreUndefined: true, enableUtf8Validation: false };

const rawOptions = { ...readOptions, fieldsAsRaw: { firstBatch: true } };
const decodeOptions = { validation: { utf8: false } } as const;

const isExhausted = (id: FindAnswer<unknown>['cursor']['id']): boolean => Number(id) === 0;

/** The document if it is the workspace's. */
const ownOf = <T extends TenantDocument>(workspaceId: ObjectId, document: T | null | undefined): T | null =>
  document?.workspaceId.equals(workspaceId) ? document : null;

const scoped = <T extends TenantDocument>(workspaceId: ObjectId, filter: Filter<T>): Filter<T> =>
  ({ ...filter, workspaceId }) as Filter<T>;

function assertTenant(workspaceId: ObjectId, document: TenantDocument): void {
  if (!document.workspaceId.equals(workspaceId))
    throw new Error('A document was about to be written to another workspace');
}
