import type { EventType, RecordDocument } from '../record.ts';

/** What others need of an entity that they know by name only: so entities and what serves them all import none. */
export interface NamedEntity {
  name: string;
  /** In sentences: "lead". */
  noun: string;
  /** The collection's name. */
  collection: string;
  /** Every event that its changes can owe. */
  eventTypes: readonly EventType[];
  present(record: RecordDocument): Record<string, unknown>;
}

const named = new Map<string, NamedEntity>();
const byCollection = new Map<string, NamedEntity>();

export function nameEntity(entity: NamedEntity): void {
  if (named.has(entity.name)) throw new Error(`Two entities are called ${entity.name}`);
  named.set(entity.name, entity);
  byCollection.set(entity.collection, entity);
}

/** @throws Error for a collection of no declared entity */
export function entityOf(collection: string): NamedEntity {
  const entity = byCollection.get(collection);
  if (!entity) throw new Error(`No entity is kept in ${collection}`);
  return entity;
}

/** @throws Error for a name that no entity has; the start asks for each name that a field refers to */
export function entityNamed(name: string): NamedEntity {
  const entity = named.get(name);
  if (!entity) throw new Error(`No entity is called ${name}`);
  return entity;
}

/** The events of all entities; complete once all are declared, which their imports have done before anything starts. */
export const eventTypes = (): EventType[] =>
  [...named.values()].flatMap((entity) => entity.eventTypes).sort();
