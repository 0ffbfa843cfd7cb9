import { z } from 'zod';
import type { Activity } from '../../features/engagement/activities/record.ts';
import type { Contact } from '../../features/people/contacts/record.ts';
import { partsOf } from '../../features/people/names.ts';
import type { Pipeline } from '../../features/sales/boards/record.ts';
import type { Stage } from '../../features/sales/boards/stages.ts';
import type { Company } from '../../features/sales/companies/record.ts';
import type { Deal } from '../../features/sales/deals/record.ts';
import { invalid } from '../../lib/errors.ts';
import { calendarDay, currencyCode, longText, shortText, tagList } from '../../lib/schemas.ts';
import { fromUuid, toUuid } from '../../lib/uuid.ts';
import { clearable, optional, timeOut, uuidOf, uuidOut, workspaceGiven } from './schema.ts';

/** Opportunities, which are deals, between this contract's words and the native ones. */

export const priorities = ['low', 'medium', 'high'] as const;
type Priority = (typeof priorities)[number];

export const nativePriorities = { low: 'Low', medium: 'Medium', high: 'High' } as const;

const priorityOf = ({ priority = 'Medium' }: Deal): Priority =>
  // What is urgent is high at least.
  priorities.find((one) => nativePriorities[one] === priority) ?? 'high';

export const amount = z.number().min(0).max(1e13).multipleOf(0.01);
const percent = z.number().min(0).max(100);
const id = z.string().max(100);

/** A day; what a client writes of its time is left out. */
const day = z
  .union([
    calendarDay,
    z.iso
      .datetime({ offset: true })
      .transform((text) => text.slice(0, 10))
      .pipe(calendarDay),
  ])
  .meta({ type: 'string', format: 'date' });

export const opportunityInput = z
  .object({
    title: shortText,
    description: optional(longText),
    contact_id: optional(id),
    company_id: optional(id),
    stage_id: id,
    value: optional(amount),
    amount: optional(amount).describe('The same as value'),
    currency: optional(currencyCode).describe('USD unless it is given'),
    probability: optional(percent).describe("The stage's unless it is given"),
    priority: optional(z.enum(priorities)).describe('medium unless it is given'),
    expected_close_date: optional(day),
    tags: optional(tagList),
    notes: optional(longText),
    source: optional(shortText),
    assigned_to: optional(id).describe('A member; who creates it unless it is given'),
    workspace_id: optional(workspaceGiven),
  })
  .meta({ id: 'OpportunityInput' });

export const opportunityChanges = z
  .object({
    title: optional(shortText),
    description: clearable(longText),
    contact_id: clearable(id),
    company_id: clearable(id),
    stage_id: optional(id).describe('Another one moves the opportunity'),
    value: clearable(amount),
    amount: clearable(amount).describe('The same as value'),
    currency: optional(currencyCode),
    probability: optional(percent),
    priority: clearable(z.enum(priorities)),
    expected_close_date: clearable(day),
    tags: clearable(tagList),
    notes: clearable(longText),
    source: clearable(shortText),
    assigned_to: clearable(id),
    workspace_id: optional(workspaceGiven),
  })
  .meta({ id: 'OpportunityChanges' });

type Input = z.output<typeof opportunityInput>;
type Changes = z.output<typeof opportunityChanges>;

const stageOut = z.object({
  id: uuidOut,
  name: z.string(),
  color: z.string(),
  default_probability: z.number(),
  pipeline_id: uuidOut,
});
const pipelineOut = z.object({ id: uuidOut, name: z.string(), description: z.string().nullable() });
const contactOut = z.object({
  id: uuidOut,
  firstname: z.string().nullable(),
  lastname: z.string().nullable(),
  email: z.string().nullable(),
  phone_number: z.string().nullable(),
  company: z.string().nullable(),
});
const companyOut = z.object({ id: uuidOut, name: z.string(), industry: z.string().nullable() });

const own = {
  id: uuidOut,
  title: z.string(),
  description: z.string().nullable(),
  contact_id: uuidOut.nullable(),
  company_id: uuidOut.nullable(),
  workspace_id: z.string(),
  stage_id: uuidOut,
  pipeline_id: uuidOut,
  amount: z.number(),
  currency: z.string(),
  probability: z.number(),
  priority: z.enum(priorities),
  expected_close_date: timeOut.nullable(),
  tags: z.array(z.string()),
  notes: z.string().nullable(),
  source: z.string().nullable(),
  created_by: uuidOut.nullable(),
  assigned_to: uuidOut.nullable(),
  created_at: timeOut,
  updated_at: timeOut,
  is_closed: z.boolean(),
  is_won: z.boolean().nullable(),
  closed_at: timeOut.nullable(),
};

export const opportunityOut = z
  .object({
    ...own,
    stage: stageOut.nullable(),
    contact: contactOut.nullable(),
    company: companyOut.nullable(),
  })
  .meta({ id: 'Opportunity' });

const activityOut = z.object({
  id: uuidOut,
  type: z.string(),
  content: z.string().nullable(),
  created_at: timeOut,
  created_by: uuidOut.nullable(),
});

export const opportunityDetails = opportunityOut
  .extend({ pipeline: pipelineOut.nullable(), activities: z.array(activityOut) })
  .meta({ id: 'OpportunityDetails' });

type OpportunityActivity = z.output<typeof activityOut>;

export const toActivity = (activity: Activity): OpportunityActivity => ({
  id: toUuid(activity._id),
  type: activity.type,
  content: activity.description ?? activity.title ?? null,
  created_at: activity.createdAt.toISOString(),
  created_by: uuidOf(activity.userId),
});

/** What an opportunity shows of other records. */
export interface Around {
  pipeline?: Pipeline | undefined;
  contact?: Contact | null | undefined;
  company?: Company | null | undefined;
}

/** What the request gives, natively. @throws AppError invalid for ids of nobody, and for two amounts */
export const toNativeDeal = (given: Input, assignedTo: string | undefined) => ({
  title: given.title,
  description: given.description,
  contactId: referenceIn('contact_id', given.contact_id),
  companyId: referenceIn('company_id', given.company_id),
  stageId: referenceIn('stage_id', given.stage_id),
  value: amountIn(given),
  currency: given.currency ?? 'USD',
  probability: given.probability,
  priority: nativePriorities[given.priority ?? 'medium'],
  expectedCloseDate: given.expected_close_date,
  tags: given.tags,
  notes: given.notes,
  source: given.source,
  assignedTo: referenceIn('assigned_to', given.assigned_to) ?? assignedTo,
});

/** What a change gives, natively; what can't be without a value begins anew where it is cleared. @throws AppError invalid */
export function toNativeChanges(given: Changes, current: Deal) {
  const restatesPriority = given.priority === priorityOf(current);
  const cleared = amountIn(given);
  return {
    title: given.title,
    description: given.description,
    contactId: referenceIn('contact_id', given.contact_id),
    companyId: referenceIn('company_id', given.company_id),
    stageId: referenceIn('stage_id', given.stage_id),
    value: cleared === null ? 0 : cleared,
    currency: given.currency,
    probability: given.probability,
    priority:
      given.priority === undefined || restatesPriority
        ? undefined
        : nativePriorities[given.priority ?? 'medium'],
    expectedCloseDate: given.expected_close_date,
    tags: given.tags,
    notes: given.notes,
    source: given.source,
    assignedTo: referenceIn('assigned_to', given.assigned_to),
  };
}

function referenceIn<T extends string | null | undefined>(field: string, uuid: T): T | string {
  if (typeof uuid !== 'string') return uuid;
  const known = fromUuid(uuid);
  if (!known) throw invalid(field, 'There is none with this id');
  return known.toHexString();
}

function amountIn<T extends number | null | undefined>({
  value,
  amount,
}: {
  value?: T;
  amount?: T;
}): T | undefined {
  if (value !== undefined && amount !== undefined && value !== amount)
    throw invalid('amount', 'Must be the same as value');
  return value === undefined ? amount : value;
}

const presentStage = (stage: Stage, pipeline: Pipeline): z.output<typeof stageOut> => ({
  id: uuidOf(stage.stageId) ?? '',
  name: stage.name,
  color: stage.color,
  default_probability: stage.probability,
  pipeline_id: toUuid(pipeline._id),
});

function presentContact(contact: Contact): z.output<typeof contactOut> {
  const { firstName, lastName } = partsOf(contact);
  return {
    id: toUuid(contact._id),
    firstname: firstName ?? null,
    lastname: lastName ?? null,
    email: contact.email ?? null,
    phone_number: contact.mobileNumber ?? null,
    company: contact.company ?? null,
  };
}

export function toOpportunity(
  deal: Deal,
  { pipeline, contact, company }: Around,
): z.output<typeof opportunityOut> {
  const stage = pipeline?.stages.find(({ stageId }) => stageId === deal.stageId);
  const { status = 'open' } = deal;
  return {
    id: toUuid(deal._id),
    title: deal.title,
    description: deal.description ?? null,
    contact_id: uuidOf(deal.contactId),
    company_id: uuidOf(deal.companyId),
    workspace_id: deal.workspaceId.toHexString(),
    stage_id: uuidOf(deal.stageId) ?? '',
    pipeline_id: uuidOf(deal.pipelineId) ?? '',
    amount: Number(deal.value.amount),
    currency: deal.value.currency,
    probability: deal.probability,
    priority: priorityOf(deal),
    expected_close_date: deal.expectedCloseDate ? `${deal.expectedCloseDate}T00:00:00.000Z` : null,
    tags: deal.tags ?? [],
    notes: deal.notes ?? null,
    source: deal.source ?? null,
    created_by: uuidOf(deal.createdBy),
    assigned_to: uuidOf(deal.assignedTo),
    created_at: deal.createdAt.toISOString(),
    updated_at: deal.updatedAt.toISOString(),
    is_closed: status !== 'open',
    is_won: status === 'open' ? null : status === 'won',
    closed_at: deal.closedAt?.toISOString() ?? null,
    stage: pipeline && stage ? presentStage(stage, pipeline) : null,
    contact: contact ? presentContact(contact) : null,
    company: company
      ? { id: toUuid(company._id), name: company.name, industry: company.industry ?? null }
      : null,
  };
}

export const toOpportunityDetails = (
  deal: Deal,
  around: Around,
  activities: OpportunityActivity[],
): z.output<typeof opportunityDetails> => {
  const { pipeline } = around;
  return {
    ...toOpportunity(deal, around),
    pipeline: pipeline
      ? { id: toUuid(pipeline._id), name: pipeline.name, description: pipeline.description ?? null }
      : null,
    activities,
  };
};
