import mongoose, { type mongo } from 'mongoose';
import { fulfilled, gather } from '../lib/gather.ts';
import type { ObjectId } from '../lib/ids.ts';
import { causeOf, duplicateKeyFields, isMongoUnavailable } from './mongo-errors.ts';

type Filter<T> = mongo.Filter<T>;

/** What every record of a tenant carries. */
export interface TenantDocument {
  _id: ObjectId;
  workspaceId: ObjectId;
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
   * Reads by _id alone and compares the tenant here, so that ids of any tenants can be looked up together. Calls of the
   * same moment for the same id may get the same object: documents are read, never changed in place.
   */
  async findById(
    workspaceId: ObjectId,
    id: ObjectId,
    options?: Pick<PageOptions, 'projection'>,
  ): Promise<T | null> {
    const found = options ? await this.#readOne(id, options) : await this.#findGathered(id);
    return found?.workspaceId.equals(workspaceId) ? found : null;
  }

  readonly #findGathered = gather(gatheredMax, async (ids: ObjectId[]) => {
    const [first] = ids;
    if (ids.length === 1 && first) return [fulfilled(await this.#readOne(first))];
    const options = { limit: ids.length, hint: '_id_' };
    const found = await this.#read({ _id: { $in: ids } } as Filter<T>, options);
    const byId = new Map(found.map((document) => [document._id.toHexString(), document]));
    return ids.map((id) => fulfilled(byId.get(id.toHexString())));
  });

  async #readOne(id: ObjectId, options?: Pick<PageOptions, 'projection'>): Promise<T | undefined> {
    return (await this.#read({ _id: id } as Filter<T>, { ...options, limit: 1 }))[0];
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
      await this.acrossTenants.insertOne(document as mongo.OptionalUnlessRequiredId<T>);
    },
  );

  /** Inserts what can be inserted and returns the rejected documents by index. */
  async insertMany(workspaceId: ObjectId, documents: T[]): Promise<Map<number, unknown>> {
    for (const document of documents) assertTenant(workspaceId, document);
    return this.#insertAll(documents);
  }

  async #insertAll(documents: T[]): Promise<Map<number, unknown>> {
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
        namespace: this.acrossTenants.namespace,
        ...update,
      }));
      const options = { ordered: false, verboseResults: true };
      const results = await bulkResults(this.#db.client.bulkWrite(models as never, options));
      return new Map([...results].map(([index, { matchedCount }]) => [index, matchedCount > 0]));
    },
    async ({ filter, update, ...options }) =>
      (await this.acrossTenants.updateOne(filter, update, options)).matchedCount > 0,
  );

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

/** What a page can ask for. */
export interface PageOptions {
  limit: number;
  skip?: number;
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
