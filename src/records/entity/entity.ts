import type { Database } from '../../infra/mongo.ts';
import type { TenantCollection } from '../../infra/tenant-collection.ts';
import type { Right, Scope } from '../../tenancy/actor.ts';
import type { Module, Workspace } from '../../tenancy/workspaces/model.ts';
import type { FieldDefinition } from '../../tenancy/workspaces/schema.ts';
import type { Orders } from '../orders.ts';
import type { Entity, EventType, RecordDocument } from '../record.ts';
import type { Tallies } from '../tally.ts';
import type { Field, Fields } from './field.ts';
import { fieldDefinitionsOf } from './field-definitions.ts';
import { activeFieldsOf } from './given.ts';
import { nameEntity } from './names.ts';
import { ordersOf } from './orders.ts';
import { presenterOf } from './present.ts';
import { type EntitySchemas, type Refinements, schemasOf } from './schemas.ts';
import { facetRulesOf, type Index, storeOf, type UniqueField, uniqueFieldsOf } from './store.ts';
import type { EntityTypes, TypesOf } from './types.ts';

/** What an entity says about itself. */
export interface Declaration<F extends Fields> {
  /** One word in lower case: events, scopes and ids of other records are named after it. */
  name: string;
  /** Below the workspace: "/leads". The collection is called the same, unless it says otherwise. */
  path: string;
  collection?: string;
  /** The id's name in the path, where the API document has another than `id`. */
  idParam?: string;
  /** Of which it is a part, where not one of its own, which is called as the path. */
  module?: Module;
  /** Where not its own: `<name>.read` and `<name>.write`. */
  scopes?: { read: Scope; write: Scope };
  /** What people need besides the scope to create and change records. */
  right?: Right;
  fields: F;
  /** Indexes besides those that every entity has and those of its unique fields. */
  indexes?: readonly Index[];
  /** Filters by an entry of a field: query parameter → path. */
  filters?: Record<string, string>;
  /** Records can be created many at a time. */
  bulk?: true;
  /** The field that a change merges key by key. */
  map?: keyof F & string;
  /** `<name>.created` and `<name>.updated`, unless it says otherwise; `types` names those that a function makes. */
  events?: Entity<TypesOf<F>['document']>['events'] & { types?: readonly EventType[] };
  /** What its numbers are made of. */
  tallies?: Tallies<TypesOf<F>['document']>;
  refine?: Refinements;
  /** How large a record may be as stored, where that differs from every other's `recordBytesMax`. */
  bytesMax?: number;
  /** What is shown besides the fields. */
  present?(shown: TypesOf<F>['out'], record: TypesOf<F>['document']): TypesOf<F>['out'];
}

/** An entity with all that follows from its declaration. */
export interface DeclaredEntity<X extends EntityTypes> extends Entity<X['document']> {
  name: string;
  path: string;
  idParam: string;
  module: Module;
  scopes: { read: Scope; write: Scope };
  right: Right | undefined;
  /** For operation ids, summaries and the tag of the API document: ["Lead", "Leads"]. */
  names: readonly [singular: string, plural: string];
  fields: Fields;
  orders: Orders;
  uniqueFields: readonly UniqueField[];
  activeFields: readonly [string, Field][];
  map: string;
  /** For schema discovery: what a create can give. Only of entities to which workspaces can add fields. */
  fieldDefinitions?: (workspace: Workspace) => FieldDefinition[];
  bulk: boolean;
  schemas: EntitySchemas<X>;
  present(record: X['document']): X['out'];
  /** Has no value: it carries the types. */
  readonly types?: X;
}

/** Any entity, for what is done with all of them. */
export interface AnyEntity
  extends Pick<
    DeclaredEntity<EntityTypes>,
    'name' | 'label' | 'names' | 'path' | 'idParam' | 'module' | 'scopes' | 'fields' | 'fieldDefinitions'
  > {
  collection(db: Database): Pick<TenantCollection<RecordDocument>, 'name' | 'findById'>;
  readonly events: object;
}

type Typed = { readonly types?: EntityTypes };
export type EntityTypesOf<E extends Typed> = NonNullable<E['types']>;
export type DocumentOf<E extends Typed> = NonNullable<E['types']>['document'];
export type InputOf<E extends Typed> = NonNullable<E['types']>['input'];
export type DraftOf<E extends Typed> = NonNullable<E['types']>['draft'];
export type PatchOf<E extends Typed> = NonNullable<E['types']>['patch'];
export type OutOf<E extends Typed> = NonNullable<E['types']>['out'];

/**
 * Declares an entity. Everything that its fields say is worked out here, once, by the functions beside this file:
 * the schemas (schemas.ts), what is shown (present.ts), the collection with its indexes and facets (store.ts).
 */
export function entity<F extends Fields>(declaration: Declaration<F>): DeclaredEntity<TypesOf<F>> {
  type X = TypesOf<F>;
  const {
    name,
    path,
    idParam = 'id',
    scopes = { read: `${name}.read`, write: `${name}.write` },
    fields,
    filters = {},
    refine = {},
    present,
  } = declaration;
  const label = capitalised(name);
  const plural = path.slice(1);
  const { collection = plural, module = plural, indexes = [] } = declaration;
  const orders = ordersOf(fields);
  const show = presenterOf<X['document'], X['out']>(fields);
  const events: NonNullable<typeof declaration.events> = declaration.events ?? {
    created: `${name}.created`,
    updated: `${name}.updated`,
  };
  const eventTypes =
    events.types ?? [events.created, events.updated].filter((type) => typeof type === 'string');
  const shown = present ? (record: X['document']) => present(show(record), record) : show;
  nameEntity({ name, noun: label.toLowerCase(), collection, eventTypes, present: shown });
  return {
    name,
    label,
    names: [label, capitalised(plural)],
    path,
    idParam,
    module,
    scopes,
    right: declaration.right,
    fields,
    collection: storeOf<X['document']>(collection, fields, indexes, orders, declaration.tallies),
    facets: facetRulesOf(fields, filters),
    orders,
    uniqueFields: uniqueFieldsOf(fields),
    ...(declaration.tallies ? { tallies: declaration.tallies } : {}),
    ...(declaration.bytesMax ? { bytesMax: declaration.bytesMax } : {}),
    activeFields: activeFieldsOf(fields),
    map: declaration.map ?? 'fields',
    ...('fields' in fields ? { fieldDefinitions: fieldDefinitionsOf(name, fields) } : {}),
    bulk: declaration.bulk ?? false,
    events,
    schemas: schemasOf<X>(label, fields, refine, filters),
    present: shown,
  };
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
