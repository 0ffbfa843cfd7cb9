import mongoose, { type mongo, type Schema } from 'mongoose';
import './mongo-broken-sockets.ts';
import type { ObjectId } from '../lib/ids.ts';
import { boundedCollection, commandTimeoutMs } from './bounded-collection.ts';
import { TenantCollection, type TenantDocument } from './tenant-collection.ts';

type Document = { _id: ObjectId | string };

// biome-ignore lint/suspicious/noExplicitAny: schemas of every entity share this list
const declared = new Map<string, Schema<any>>();
const ofTenants = new Set<string>();

/**
 * Declares a collection whose documents belong to workspaces. The Mongoose schema is its declaration (types and
 * indexes); reads and writes go through the scoped helper over the driver's own collection, because hydrating and
 * validating a second time would only cost time: input was validated at the edge.
 */
// biome-ignore lint/suspicious/noExplicitAny: the document type is given by the caller
export function tenantCollection<T extends TenantDocument>(name: string, schema: Schema<any>) {
  declared.set(name, schema);
  ofTenants.add(name);
  return (db: Database): TenantCollection<T> => db.tenant<T>(name);
}

/** Declares a collection that stands above workspaces (users, workspaces, sessions): its queries are not scoped. */
// biome-ignore lint/suspicious/noExplicitAny: the document type is given by the caller
export function globalCollection<T extends Document>(name: string, schema: Schema<any>) {
  declared.set(name, schema);
  return (db: Database): mongo.Collection<T> => db.global<T>(name);
}

const hasIndex = (schema: Schema, indexName: string): boolean =>
  schema.indexes().some(([, { name }]) => name === indexName);

/** The name and indexes of every declared collection that holds documents of tenants. */
export const tenantCollections = (): { name: string; indexes: [fields: object, options: object][] }[] =>
  [...ofTenants].map((name) => ({ name, indexes: declared.get(name)?.indexes() ?? [] }));

export interface Database {
  tenant<T extends TenantDocument>(name: string): TenantCollection<T>;
  global<T extends Document>(name: string): mongo.Collection<T>;
  /** The collections that declare an index of this name. */
  namesWithIndex(indexName: string): string[];
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

/** Of MongoDB 8.0, the first with the bulkWrite command, which tells of each of several updates what became of it. */
const wireVersionMin = 25;
/** What the router of a cluster says to a hello. */
const routerGreeting = 'isdbgrid';

export interface MongoOptions {
  databaseName?: string | undefined;
  /** Whether collections may be divided among the parts of a cluster; by default what the server says of itself. */
  isDivided?: boolean | undefined;
}

/** Connects to MongoDB. @throws when no server answers in time */
export async function connectMongo(url: string, options: MongoOptions = {}): Promise<Database> {
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
  const { maxWireVersion, msg } = await native.command({ hello: 1 });
  if (maxWireVersion < wireVersionMin) throw new Error('MongoDB 8.0 or later is needed');
  const { isDivided = msg === routerGreeting } = options;
  const tenants = new Map<string, unknown>();

  return {
    tenant<T extends TenantDocument>(name: string) {
      let collection = tenants.get(name) as TenantCollection<T> | undefined;
      if (!collection) {
        collection = new TenantCollection<T>(native, name, isDivided);
        tenants.set(name, collection);
      }
      return collection;
    },
    global: <T extends Document>(name: string) =>
      boundedCollection(native.collection<T>(name), commandTimeoutMs),
    namesWithIndex: (indexName) =>
      [...declared].filter(([, schema]) => hasIndex(schema, indexName)).map(([name]) => name),
    async ensureIndexes() {
      // An index over many records takes longer to make than anything else may, so it gets a connection of its own.
      const patient = await connect(0);
      try {
        const create = async ([name, schema]: [string, Schema]) => {
          const model = patient.model(name, schema, name);
          const indexes = schema.indexes().map(([key, options]) => ({ ...options, key }));
          // In one command: mongoose sends one for each, in turn.
          if (indexes.length > 0) await model.collection.createIndexes(indexes as mongo.IndexDescription[]);
          else await model.createCollection();
        };
        // Side by side, for every start does this.
        await Promise.all([...declared].map(create));
      } finally {
        await patient.close();
      }
    },
    async serverTime() {
      // `hello` leaves its time out on the embedded engine.
      const stages = [{ $documents: [{}] }, { $set: { now: '$$NOW' } }];
      const [answer] = await native.aggregate<{ now: Date }>(stages).toArray();
      if (!answer) throw new Error('The database server did not tell its time');
      return answer.now;
    },
    close: () => connection.close(),
  };
}
