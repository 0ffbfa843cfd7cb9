/** What others need to know of an entity that they name: entities that refer to each other need not import each other. */
export interface NamedEntity {
  /** In sentences: "lead". */
  noun: string;
  /** The collection's name. */
  collection: string;
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
