import type { Entity, EventType, RecordDocument } from '../../../records/record.ts';
import { taskEntity } from '../../engagement/tasks/record.ts';
import { contactEntity } from '../../people/contacts/record.ts';
import { customerEntity } from '../../people/customers/record.ts';
import { leadEntity } from '../../people/leads/record.ts';
import { propertyEntity } from '../../sales/properties/record.ts';

/** What an event's body shows, by the first word of its type: the record as the API shows it. */
const entities: Record<string, Pick<Entity<never>, 'present'>> = {
  lead: leadEntity,
  contact: contactEntity,
  customer: customerEntity,
  property: propertyEntity,
  task: taskEntity,
};

/** The body of an event. @param record as it was right after the change */
export function payloadOf(type: EventType, record: Record<string, unknown>): Record<string, unknown> {
  const [noun = ''] = type.split('.', 1);
  const entity = entities[noun] as Entity<RecordDocument> | undefined;
  if (!entity) throw new Error(`No record is behind ${type}`);
  return entity.present(record as unknown as RecordDocument);
}
