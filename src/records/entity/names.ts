import type { EventType, RecordDocument } from '../record.ts';

/** What others need of an entity that they know by name only: so entities and what serves them all import none. */
export interface NamedEntity {
  /** In sentences: "lead". */
  noun: string;
  /** The collection's name. */
  collection: string;
  /** Every event that its changes can owe. */
  eventTypes: readonly EventType[];
  present(record: RecordDocument): Record<string, unknown>;
}

const named = new Map<string, NamedEntity>();

export function nameEntity(name: string, entity: NamedEntity): void {
  if (named.has(name)) throw new Error(`Two entities are called ${name}`);
  named.set(name, entity);
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
