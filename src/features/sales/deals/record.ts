import { currencyCode } from '../../../lib/schemas.ts';
import { type DocumentOf, type DraftOf, type EntityTypesOf, entity } from '../../../records/entity/entity.ts';
import {
  choice,
  currencyOf,
  customFields,
  dateTime,
  internal,
  listed,
  longText,
  member,
  money,
  reference,
  tags,
  text,
} from '../../../records/entity/kinds.ts';
import { day, number } from '../../../records/entity/structured-kinds.ts';
import type { EventType } from '../../../records/record.ts';
import type { Step } from './path.ts';
import { dealTallies } from './tallies.ts';

export const dealStatuses = ['open', 'won', 'lost'] as const;
export type DealStatus = (typeof dealStatuses)[number];

const closedAs = (status: DealStatus): EventType[] => (status === 'open' ? [] : [`deal.${status}`]);

/** Something that may be sold, on its way through the stages of a pipeline. */
export const dealEntity = entity({
  name: 'deal',
  path: '/deals',
  bulk: true,
  tallies: dealTallies,
  fields: {
    title: text({ required: true, search: true, order: true }),
    description: longText(),
    pipelineId: text({
      always: true,
      filter: true,
      describe: "The stage's; a create that names no stage begins in its first, or the default pipeline's",
    }),
    stageId: text({ always: true, filter: true, describe: 'Another one moves the deal' }),
    /** The stages that it has been in. */
    path: internal<Step[]>(),
    /** When it came into its stage. */
    stageEnteredAt: dateTime({ managed: true, always: true }),
    value: money({ initial: 0, min: 0, decimals: 2, currency: 'currency', order: true }),
    currency: currencyOf('value', {
      always: true,
      schema: currencyCode,
      describe: "The workspace's unless it is given",
    }),
    probability: number(
      { min: 0, max: 100 },
      { always: true, describe: "In percent; the stage's unless it is given" },
    ),
    priority: choice(['Low', 'Medium', 'High', 'Urgent'], { initial: 'Medium', filter: true }),
    status: choice(dealStatuses, {
      initial: 'open',
      given: 'later',
      filter: true,
      describe: 'As the stage says that the deal enters; a change can set it where the deal is',
    }),
    /** Stands exactly while the deal is won or lost. */
    closedAt: dateTime({ managed: true }),
    /** The pipeline, exactly while the deal is open: by this open deals are found. */
    openIn: text({ hidden: true, facet: true }),
    expectedCloseDate: day({ filter: true, order: true }),
    leadId: reference('lead', { live: true, filter: true }),
    contactId: reference('contact', { live: true, filter: true }),
    companyId: reference('company', { live: true, filter: true }),
    customerId: reference('customer', { live: true, filter: true }),
    source: listed('sources', { filter: true }),
    tags: tags({ filter: true }),
    notes: longText(),
    assignedTo: member({ filter: true }),
    createdBy: text({ managed: true, describe: 'User id of who made it, or made the key that did' }),
    fields: customFields(),
  },
  events: {
    types: ['deal.created', 'deal.updated', 'deal.stage_changed', 'deal.won', 'deal.lost'],
    created: ({ status }) => ['deal.created', ...closedAs(status)],
    updated: (before, after) => [
      'deal.updated',
      ...(before.stageId === after.stageId ? [] : (['deal.stage_changed'] as const)),
      ...(before.status === after.status ? [] : closedAs(after.status)),
    ],
  },
});

export type Deal = DocumentOf<typeof dealEntity>;
export type DealDraft = DraftOf<typeof dealEntity>;
export type DealTypes = EntityTypesOf<typeof dealEntity>;
