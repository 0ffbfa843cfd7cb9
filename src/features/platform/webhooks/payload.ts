import { entityNamed } from '../../../records/entity/names.ts';
import type { EventType, RecordDocument } from '../../../records/record.ts';

/** The body of an event: the record as the API shows it. @param record as it was right after the change */
export function payloadOf(type: EventType, record: Record<string, unknown>): Record<string, unknown> {
  const [name = ''] = type.split('.', 1);
  return entityNamed(name).present(record as unknown as RecordDocument);
}
