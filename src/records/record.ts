import type { mongo } from 'mongoose';
import type { Database } from '../infra/mongo.ts';
import type { TenantCollection, TenantDocument } from '../infra/tenant-collection.ts';
import type { ObjectId } from '../lib/ids.ts';
import type { FacetRules } from './facets.ts';
import type { HistoryNote } from './history.ts';
import type { Orders, SortKey } from './orders.ts';
import type { Tallies, Tally } from './tally.ts';

/** An entity's name and what happened: "lead.created". */
export type EventType = `${string}.${string}`;

/**
 * What a change owes: an event to whoever listens, a row to the history, or both. It lives in the changed document until
 * the relay has passed it on.
 */
export interface Owed {
  /** The event's, and the row's. */
  id: ObjectId;
  at: Date;
  /** Of the event; absent where nobody listens. */
  type?: EventType;
  /** Of the row. */
  history?: HistoryNote;
  /** The record as it was right after the change; absent while it still is so, which the record itself shows. */
  record?: Record<string, unknown>;
}

/** The create request that a record answers, so that a retry finds its record even when all else is lost. */
export interface IdempotencyMark {
  /** Hash of route and key; unique within the workspace. */
  key: string;
  /** Hash of the request's body. */
  request: string;
  at: Date;
  /** The record as first created, kept from its first change on. */
  original?: Record<string, unknown>;
}

/** What the store keeps on every record besides the entity's own fields. */
export interface RecordDocument extends TenantDocument {
  createdAt: Date;
  /** Rises with every change, at least by a millisecond. */
  updatedAt: Date;
  version: number;
  archived: boolean;
  archivedAt?: Date;
  /** Searchable values as `field=value`: one index serves every filter (see facets.ts). */
  facets: string[];
  /** What the index of an order has in place of a value that doesn't sort as it is stored, by order. */
  sortKeys?: Record<string, SortKey>;
  /** What it counts as in the numbers (see tally.ts). */
  tally?: Tally;
  /** When the server stored it for the first time, by its own clock, in whole seconds. */
  storedAt?: mongo.Timestamp;
  idempotency?: IdempotencyMark;
  owed?: Owed[];
  /** When the oldest of what is owed was made, or up to a second before; its sparse index is what the sweep reads. */
  owedSince?: Date;
}

/** The fields that the store manages, as opposed to the entity's own. */
export type Managed = keyof RecordDocument;

/** What an entity declares about itself; everything that is the same for all entities follows from it. */
export interface Entity<T extends RecordDocument> {
  /** Singular noun for messages: "Lead". */
  label: string;
  /** What the history calls its records; those of an entity without a name leave no rows. */
  name?: string;
  collection: (db: Database) => TenantCollection<T>;
  facets: FacetRules;
  /** In which its lists can be, besides those by the store's times. */
  orders?: Orders;
  /** What its numbers are made of. */
  tallies?: Tallies<T>;
  /** How large a record may be as stored, where that differs from every other's `recordBytesMax`. */
  bytesMax?: number;
  events: {
    /** A function where it depends on the new record. */
    created?: EventType | ((record: T) => EventType[]);
    /** Owed by any change, archive included; a function where it depends on what changed. */
    updated?: EventType | ((before: T, after: T) => EventType[]);
  };
  /** What leaves the server as this record, also in events. */
  present(record: T): Record<string, unknown>;
}
