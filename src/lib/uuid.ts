import { ObjectId } from './ids.ts';

/**
 * Contracts that promise UUIDs get a version-8 UUID (RFC 9562, free-form) that holds the record's 12 id bytes and can be
 * turned back, so no table maps one to the other. Layout in hex digits: 12 of the id, version 8, 3 of the id, variant
 * 8, the remaining 9 of the id, then the fixed digits 000000.
 */
export function toUuid(id: ObjectId): string {
  const hex = id.toHexString();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(12, 15)}-8${hex.slice(15, 18)}-${hex.slice(18)}000000`;
}

const pattern = /^([0-9a-f]{8})-([0-9a-f]{4})-8([0-9a-f]{3})-8([0-9a-f]{3})-([0-9a-f]{6})000000$/;

/** The record's id, or undefined when the text is not a UUID that we made. */
export function fromUuid(uuid: string): ObjectId | undefined {
  const parts = pattern.exec(uuid.toLowerCase());
  return parts ? new ObjectId(parts.slice(1).join('')) : undefined;
}
