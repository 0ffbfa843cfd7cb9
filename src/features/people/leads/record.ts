import { filterText, shortText } from '../../../lib/schemas.ts';
import { type DocumentOf, type DraftOf, entity } from '../../../records/entity/entity.ts';
import {
  choice,
  customFields,
  dateTime,
  email,
  listed,
  longText,
  member,
  money,
  reference,
  tags,
  text,
} from '../../../records/entity/kinds.ts';
import { mergeFields } from '../../../records/entity/merge-fields.ts';
import { domainOf, number, parts } from '../../../records/entity/structured-kinds.ts';
import { namesDescribed, partsOf } from '../names.ts';
import { mobileNumberOf } from '../number.ts';

/** A person who may buy. */
export const leadEntity = entity({
  name: 'lead',
  path: '/leads',
  idParam: 'leadId',
  bulk: true,
  fields: {
    name: text({ required: true, search: true }),
    firstName: text({ describe: namesDescribed }),
    lastName: text({ describe: namesDescribed }),
    ...mobileNumberOf('lead'),
    email: email({ search: true }),
    emailDomain: domainOf('email'),
    /** The address, of a lead that has to stay the only live one with it: parallel merges meet here (see merge.ts). */
    emailKey: text({ hidden: true, unique: { index: 'unique_email', reason: 'Duplicate email' } }),
    company: text(),
    city: text(),
    country: text(),
    social: parts('SocialProfile', { platform: shortText, handle: shortText }),
    status: listed('leadStatuses', { filter: true, initial: ({ leadStatuses }) => leadStatuses[0] }),
    leadStage: listed('leadStages', { filter: true, initial: ({ leadStages }) => leadStages[0]?.stageKey }),
    source: listed('sources', { filter: true }),
    priority: choice(['Low', 'Medium', 'High'], { initial: 'Medium', filter: { schema: filterText } }),
    leadScore: number({ min: 0, max: 10, step: 0.1 }),
    qualification: text({ describe: 'How far the lead has been qualified' }),
    dealValue: money({ min: 0, max: 1e15, describe: "In the workspace's currency" }),
    tags: tags({ filter: true }),
    description: longText(),
    assignedTo: member({ filter: true }),
    fields: customFields(),
    ...mergeFields('lead'),
    /** The customer that the lead became. */
    customerId: text({ managed: true }),
    /** What the lead was converted into (see people/conversion). */
    contactId: reference('contact', { managed: true, filter: true }),
    companyId: reference('company', { managed: true }),
    dealId: reference('deal', { managed: true }),
    convertedAt: dateTime({ managed: true }),
  },
  present: (shown, lead) => (shown.firstName === undefined ? { ...shown, ...partsOf(lead) } : shown),
});

export type Lead = DocumentOf<typeof leadEntity>;

/** What a lead can be made of; the native contract demands a phone number, others are content with an email. */
export type LeadDraft = DraftOf<typeof leadEntity>;
