import type { Activity, Call } from '../../features/engagement/activities/record.ts';
import type { Lead, LeadDraft as NativeLead } from '../../features/people/leads/record.ts';
import { ObjectId } from '../../lib/ids.ts';
import { amountOf } from '../../lib/money.ts';
import { toUuid } from '../../lib/uuid.ts';
import type { CallLogInput, CallLogOut, CallType, LeadInput, LeadOut, Outcome, Status } from './schema.ts';

/** Pure translation between the Cratio contract's words and the native ones. */

/** A Cratio status is stored in lower case, as the workspace's own statuses are. */
export const toNativeStatus = (status: Status): string => status.toLowerCase();

const cratioStatuses: Record<string, Status> = {
  new: 'New',
  contacted: 'Contacted',
  qualified: 'Qualified',
  proposal: 'Proposal',
  won: 'Won',
  lost: 'Lost',
  // Native words without a Cratio one, as the nearest.
  converted: 'Won',
  interested: 'Qualified',
};

/** A workspace's own status that Cratio has no word for is a lead that somebody works on. */
export const toCratioStatus = (status: string | undefined): Status =>
  status === undefined ? 'New' : (cratioStatuses[status.toLowerCase()] ?? 'Contacted');

/** All of the workspace's statuses that show as the given one. */
export const nativeStatusesOf = (status: Status, known: readonly string[]): string[] => [
  ...new Set(
    [toNativeStatus(status), ...Object.keys(cratioStatuses), ...known].filter(
      (one) => toCratioStatus(one) === status,
    ),
  ),
];

/** What the request gives, natively. @param assignedTo the user id behind the request's email */
export function toNativeLead(
  lead: LeadInput,
  assignedTo: string | undefined,
): Partial<NativeLead> & { name: string } {
  return {
    name: lead.name,
    email: lead.email,
    mobileNumber: lead.phone,
    company: lead.company,
    city: lead.city,
    source: lead.source,
    status: lead.status && toNativeStatus(lead.status),
    priority: lead.priority,
    tags: lead.tags,
    dealValue: lead.deal_value,
    description: lead.notes,
    assignedTo,
  };
}

/** The contract's defaults for a new lead. */
export const leadDefaults: Partial<NativeLead> = { source: 'API', status: 'new', priority: 'Medium' };

/**
 * Leaves out a status that only repeats how the lead's own one shows here, so that a native status without a Cratio
 * word survives being read and written back.
 */
export function withoutRestatedStatus(given: Partial<NativeLead>, existing: Lead): Partial<NativeLead> {
  const { status, ...rest } = given;
  return toCratioStatus(status) === toCratioStatus(existing.status) ? rest : given;
}

/** @param assigneeEmail the address of the team member that the lead is assigned to */
export function toCratioLead(lead: Lead, assigneeEmail: string | undefined): LeadOut {
  return {
    id: toUuid(lead._id),
    name: lead.name,
    email: lead.email ?? null,
    phone: lead.mobileNumber ?? null,
    company: lead.company ?? null,
    city: lead.city ?? null,
    source: lead.source ?? '',
    status: toCratioStatus(lead.status),
    priority: lead.priority ?? 'Medium',
    tags: lead.tags ?? [],
    deal_value: amountOf(lead.dealValue) ?? null,
    notes: lead.description ?? null,
    assigned_to: assigneeEmail ?? null,
    created_at: lead.createdAt.toISOString(),
    updated_at: lead.updatedAt.toISOString(),
  };
}

const nativeOutcomes: Record<Outcome, Call['outcome']> = {
  Completed: 'completed',
  Busy: 'busy',
  'No Answer': 'no-answer',
  Voicemail: 'voicemail',
  Missed: 'missed',
};

const cratioOutcomes = Object.fromEntries(
  Object.entries(nativeOutcomes).map(([theirs, ours]) => [ours, theirs]),
) as Record<Call['outcome'], Outcome>;

export const toNativeDirection = (type: CallType): Call['direction'] =>
  type === 'Inbound' ? 'inbound' : 'outbound';

export const toNativeCall = (log: CallLogInput) => ({
  type: 'call' as const,
  description: log.notes,
  occurredAt: log.called_at === undefined ? undefined : new Date(log.called_at),
  call: {
    direction: toNativeDirection(log.call_type),
    durationSeconds: log.duration_seconds,
    outcome: nativeOutcomes[log.outcome],
  },
});

export function toCratioCall(activity: Activity): CallLogOut {
  const { direction = 'outbound', durationSeconds = 0, outcome = 'completed' } = activity.call ?? {};
  return {
    id: toUuid(activity._id),
    lead_id: toUuid(activity.leadId ?? new ObjectId(activity.recordId)),
    call_type: direction === 'inbound' ? 'Inbound' : 'Outbound',
    duration_seconds: durationSeconds,
    outcome: cratioOutcomes[outcome],
    notes: activity.description ?? null,
    called_at: activity.occurredAt.toISOString(),
    created_at: activity.createdAt.toISOString(),
  };
}

const dayMs = 24 * 3_600_000;
/** Days in this contract are India's. */
const startOfDay = (day: string): Date => new Date(`${day}T00:00:00+05:30`);
const indianDay = (time: Date): string =>
  new Date(time.getTime() + 5.5 * 3_600_000).toISOString().slice(0, 10);

/** The span that the filters mean: whole Indian days, by default the last 30 up to now. */
export function spanOf(query: { from_date?: string | undefined; to_date?: string | undefined }, now: Date) {
  const lastDay = startOfDay(query.to_date ?? indianDay(now));
  const from = query.from_date ? startOfDay(query.from_date) : new Date(lastDay.getTime() - 30 * dayMs);
  return { from, before: new Date(lastDay.getTime() + dayMs) };
}
