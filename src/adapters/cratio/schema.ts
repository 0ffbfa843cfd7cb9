import { z } from 'zod';

/** The Cratio contract's schemas, in its own words and names. */

export const statuses = ['New', 'Contacted', 'Qualified', 'Proposal', 'Won', 'Lost'] as const;
export const priorities = ['Low', 'Medium', 'High'] as const;
export const callTypes = ['Inbound', 'Outbound'] as const;
export const outcomes = ['Completed', 'Busy', 'No Answer', 'Voicemail', 'Missed'] as const;
export type Status = (typeof statuses)[number];
export type CallType = (typeof callTypes)[number];
export type Outcome = (typeof outcomes)[number];

const day = z.iso.date().optional();
const paging = {
  from_date: day.describe('First day (YYYY-MM-DD, IST); 30 days ago when left out'),
  to_date: day.describe('Last day (YYYY-MM-DD, IST); today when left out'),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  offset: z.coerce.number().int().min(0).default(0),
};

export const leadQuery = z.object({
  ...paging,
  status: z.enum(statuses).optional(),
  source: z.string().min(1).max(300).optional(),
  priority: z.enum(priorities).optional(),
  assigned_to: z.string().min(1).max(254).optional().describe("A team member's email"),
});

export const callLogQuery = z.object({
  ...paging,
  lead_id: z.uuid().optional(),
  call_type: z.enum(callTypes).optional(),
});

const text = z.string().trim().min(1).max(300);

export const leadInput = z
  .object({
    name: text,
    email: z.email().max(254).optional(),
    phone: z.string().trim().min(1).max(32).optional(),
    company: text.optional(),
    city: text.optional(),
    source: text.optional().meta({ default: 'API' }),
    status: z.enum(statuses).optional().meta({ default: 'New' }),
    priority: z.enum(priorities).optional().meta({ default: 'Medium' }),
    tags: z.array(z.string().trim().min(1).max(100)).max(50).optional(),
    deal_value: z.number().min(0).max(1e15).optional().describe('Expected value in INR'),
    notes: z.string().max(20_000).optional(),
    assigned_to: z.string().min(1).max(254).optional().describe("A team member's email"),
  })
  .refine((lead) => lead.phone !== undefined || lead.email !== undefined, {
    path: ['phone'],
    message: 'phone or email is required',
  })
  .meta({ id: 'LeadInput' });

export const callLogInput = z
  .object({
    lead_id: z.uuid(),
    call_type: z.enum(callTypes),
    duration_seconds: z.int().min(0).max(86_400).describe('0: missed'),
    outcome: z.enum(outcomes).default('Completed'),
    notes: z.string().max(20_000).optional(),
    called_at: z.iso.datetime({ offset: true }).optional().describe('Now, when left out'),
  })
  .meta({ id: 'CallLogInput' });

const nullable = z.string().nullable();
const uuid = z.string().meta({ format: 'uuid' });
const time = z.string().meta({ format: 'date-time' });

export const leadOut = z
  .object({
    id: uuid,
    name: z.string(),
    email: nullable,
    phone: nullable,
    company: nullable,
    city: nullable,
    source: z.string(),
    status: z.enum(statuses),
    priority: z.enum(priorities),
    tags: z.array(z.string()),
    deal_value: z.number().nullable(),
    notes: nullable,
    assigned_to: nullable,
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Lead' });

export const callLogOut = z
  .object({
    id: uuid,
    lead_id: uuid,
    call_type: z.enum(callTypes),
    duration_seconds: z.int(),
    outcome: z.enum(outcomes),
    notes: nullable,
    called_at: time,
    created_at: time,
  })
  .meta({ id: 'CallLog' });

const pagination = z
  .object({ limit: z.int(), offset: z.int(), total: z.int(), has_more: z.boolean() })
  .meta({ id: 'Pagination' });

export const dataOf = <T extends z.ZodType>(data: T) => z.object({ data });
export const listOf = <T extends z.ZodType>(item: T) => z.object({ data: z.array(item), pagination });
export const deletedOut = dataOf(z.object({ id: uuid, deleted: z.boolean() }));

export const errorOut = z
  .object({ error: z.object({ code: z.string(), message: z.string(), field: z.string().optional() }) })
  .meta({ id: 'Error' });

export type LeadInput = z.output<typeof leadInput>;
export type LeadOut = z.output<typeof leadOut>;
export type CallLogInput = z.output<typeof callLogInput>;
export type CallLogOut = z.output<typeof callLogOut>;
