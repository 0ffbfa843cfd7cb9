import type { RecordDocument } from '../record.ts';
import type { Constant, Field, Fields } from './field.ts';

/** The types that follow from an entity's fields. */
export interface EntityTypes {
  /** As it is stored. */
  document: RecordDocument;
  /** What a create gives. */
  input: Record<string, unknown>;
  /** The same, without what only the native contract demands. */
  draft: Record<string, unknown>;
  /** What a change may give: null clears. */
  patch: Record<string, unknown>;
  /** What answers show. */
  out: Record<string, unknown>;
}

export type TypesOf<F extends Fields> = {
  document: RecordDocument & Stored<F>;
  input: Simplify<Demanded<F, true | 'natively'> & Offered<F, true | 'natively'>>;
  draft: Simplify<Demanded<F, true> & Offered<F, true>>;
  patch: Simplify<{ [K in ChangedKeys<F>]?: Given<F[K]> | ClearedBy<F[K]> | undefined }>;
  out: Simplify<
    ShownTimes & { [K in ShownKeys<F, true>]: Shown<F[K]> } & {
      [K in ShownKeys<F, false>]?: Shown<F[K]> | undefined;
    }
  >;
};

interface ShownTimes {
  _id: string;
  workspaceId: string;
  archivedAt?: string | undefined;
  createdAt: string;
  updatedAt: string;
}

type Simplify<T> = { [K in keyof T]: T[K] };

type Values<X extends Field> = NonNullable<X['is']>;
type Given<X extends Field> = Values<X>['given'];
type Shown<X extends Field> = Values<X>['shown'];

type IsAlwaysThere<X extends Field> = X['options'] extends
  | { required: true }
  | { always: true }
  | { initial: Constant }
  ? true
  : false;
type IsServerSide<X extends Field> = X['options'] extends { managed: true } | { hidden: true } ? true : false;

type Stored<F extends Fields> = Simplify<
  { [K in keyof F as StoredKey<F[K], K, true>]: Values<F[K]>['stored'] } & {
    [K in keyof F as StoredKey<F[K], K, false>]?: Values<F[K]>['stored'];
  }
>;
type StoredKey<X extends Field, K, Always> = [Values<X>['stored']] extends [never]
  ? never
  : IsAlwaysThere<X> extends Always
    ? K
    : never;

type CreatedKeys<F extends Fields> = {
  [K in keyof F]: IsServerSide<F[K]> extends true
    ? never
    : F[K]['options'] extends { given: 'later' }
      ? never
      : K;
}[keyof F];
type ChangedKeys<F extends Fields> = {
  [K in keyof F]: IsServerSide<F[K]> extends true ? never : K;
}[keyof F];
type DemandedKeys<F extends Fields, Required> = {
  [K in CreatedKeys<F>]: F[K]['options'] extends { required: Required } ? K : never;
}[CreatedKeys<F>];

type Demanded<F extends Fields, Required> = { [K in DemandedKeys<F, Required>]: Given<F[K]> };
type Offered<F extends Fields, Required> = {
  [K in Exclude<CreatedKeys<F>, DemandedKeys<F, Required>>]?: Given<F[K]> | undefined;
};

/** Null, for a field that can be cleared. */
type ClearedBy<X extends Field> =
  IsAlwaysThere<X> extends true
    ? never
    : X['options'] extends { required: 'natively' } | { kept: true } | { given: 'once' }
      ? never
      : null;

type ShownKeys<F extends Fields, Always> = {
  [K in keyof F]: F[K]['options'] extends { hidden: true }
    ? never
    : IsAlwaysThere<F[K]> extends Always
      ? K
      : never;
}[keyof F];
