import { type DocumentOf, entity } from '../../../records/entity/entity.ts';
import {
  customFields,
  e164Of,
  email,
  listed,
  member,
  phone,
  tags,
  text,
} from '../../../records/entity/kinds.ts';

/** A person in the address book. */
export const contactEntity = entity({
  name: 'contact',
  path: '/contacts',
  module: 'contacts',
  scopes: { read: 'contact.read', write: 'contact.write' },
  bulk: true,
  fields: {
    name: text({ required: true, search: true }),
    mobileNumber: phone({
      required: 'natively',
      search: true,
      describe: 'Primary mobile number; a live contact with the same number is a duplicate',
    }),
    mobileE164: e164Of('mobileNumber', {
      unique: { index: 'unique_phone', reason: 'Duplicate mobile number' },
    }),
    email: email({ search: true, filter: true }),
    /** It may be shared, so it makes no duplicates. */
    phone: phone({ search: true, describe: 'A second number' }),
    company: text({ filter: true }),
    source: listed('sources', { filter: true }),
    tags: tags({ filter: true }),
    assignedTo: member({ filter: true }),
    fields: customFields(),
  },
});

export type Contact = DocumentOf<typeof contactEntity>;
