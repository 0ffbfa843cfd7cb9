import { z } from 'zod';
import { shortText } from '../../../lib/schemas.ts';
import { type DocumentOf, type DraftOf, entity } from '../../../records/entity/entity.ts';
import {
  customFields,
  email,
  listed,
  longText,
  member,
  phone,
  reference,
  tags,
  text,
} from '../../../records/entity/kinds.ts';
import { mergeFields } from '../../../records/entity/merge-fields.ts';
import {
  address,
  day,
  domainOf,
  linkedinUrl,
  metadata,
  number,
  parts,
} from '../../../records/entity/structured-kinds.ts';
import { namesDescribed, partsOf } from '../names.ts';
import { mobileNumberOf } from '../number.ts';

const employeesMax = 100_000_000;
const revenueMax = 1e15;
const technologiesMax = 100;

/** A person in the address book. */
export const contactEntity = entity({
  name: 'contact',
  path: '/contacts',
  bulk: true,
  fields: {
    name: text({ required: true, search: true }),
    firstName: text({ facet: true, describe: namesDescribed }),
    lastName: text({ facet: true, describe: namesDescribed }),
    ...mobileNumberOf('contact'),
    email: email({ search: true, filter: true }),
    emailDomain: domainOf('email', { filter: true }),
    /** It may be shared, so it makes no duplicates. */
    phone: phone({ search: true, describe: 'A second number' }),
    otherPhone: phone(),
    homePhone: phone(),
    workPhone: phone(),
    title: text(),
    company: text({ filter: true }),
    companyId: reference('company', {
      live: true,
      filter: true,
      describe: 'The company of this workspace that the person belongs to',
    }),
    organisation: parts('Organisation', {
      industry: shortText,
      employees: z.int().min(0).max(employeesMax),
      employeeSizeBracket: shortText,
      website: shortText,
      linkedinUrl: shortText,
      technologies: z.array(shortText).max(technologiesMax),
      annualRevenue: z.number().min(0).max(revenueMax),
      street: shortText,
      city: shortText,
      state: shortText,
      zip: shortText,
      country: shortText,
    }),
    address: address(),
    linkedinUrl: linkedinUrl({ filter: true }),
    status: text({ filter: true }),
    priority: text(),
    product: text({ describe: 'What the person is interested in' }),
    leadScore: number({ min: 0, max: 10, step: 0.1 }),
    notes: longText(),
    optInThrough: text({ describe: 'How the person agreed to be written to' }),
    followUpDate: day({ filter: true }),
    webhookName: text({ filter: true, describe: 'Of the integration that brought the contact' }),
    metadata: metadata(),
    source: listed('sources', { filter: true }),
    tags: tags({ filter: true }),
    assignedTo: member({ filter: true }),
    fields: customFields(),
    ...mergeFields('contact'),
  },
  present: (shown, contact) => (shown.firstName === undefined ? { ...shown, ...partsOf(contact) } : shown),
});

export type Contact = DocumentOf<typeof contactEntity>;

/** What a contact can be made of; the native contract demands a number, others are content with less. */
export type ContactDraft = DraftOf<typeof contactEntity>;
