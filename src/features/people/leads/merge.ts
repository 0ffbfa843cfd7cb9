import type { Context } from '../../../context.ts';
import { withoutUndefined } from '../../../lib/clean.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Caller } from '../../../records/api/service.ts';
import { insertRecord } from '../../../records/insert.ts';
import { type Lead, type LeadDraft, leadEntity } from './record.ts';
import { findLeadByEmail, findLeadByPhone, prepareLead, updateLead } from './service.ts';

export interface MergeInput {
  /** What the request gives: all that a merge changes. */
  given: LeadDraft;
  /** What else a new lead gets. */
  defaults: Partial<LeadDraft>;
  /** Leaves out of `given` what would only restate the lead in other words. */
  withoutRestated(given: Partial<LeadDraft>, existing: Lead): Partial<LeadDraft>;
}

/** Each attempt that fails met a lead which another request has just created, changed or archived. */
const attemptsMax = 5;

/**
 * Creates a lead, or merges into the live lead with the same phone number or else the same email, compared normalised.
 * Parallel calls meet at the unique indexes of both, so however many race there is one lead.
 * @throws AppError invalid; conflict when the lead changes hands faster than we can follow
 */
export async function createOrMergeLead(
  ctx: Context,
  caller: Caller,
  input: MergeInput,
): Promise<{ lead: Lead; isNew: boolean }> {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const existing = await findSame(ctx, caller, input.given);
    try {
      if (!existing) return { lead: await insertLead(ctx, caller, input), isNew: true };
      const changes = input.withoutRestated(input.given, existing);
      const request = { ifMatch: undefined, isMergePatch: false };
      return { lead: await updateLead(ctx, caller, existing._id, changes, request), isNew: false };
    } catch (error) {
      const isRace = error instanceof AppError && (error.code === 'conflict' || error.code === 'not_found');
      if (!isRace) throw error;
    }
  }
  throw new AppError('conflict', { message: 'The lead is being changed by other requests; try again' });
}

async function findSame(
  ctx: Context,
  { workspace }: Caller,
  given: Partial<LeadDraft>,
): Promise<Lead | null> {
  const byPhone = given.mobileNumber ? await findLeadByPhone(ctx, workspace, given.mobileNumber) : null;
  return byPhone ?? (given.email ? findLeadByEmail(ctx, workspace._id, given.email) : null);
}

async function insertLead(ctx: Context, caller: Caller, { given, defaults }: MergeInput): Promise<Lead> {
  const fields = await prepareLead(ctx, caller, { ...defaults, ...withoutUndefined(given) });
  return insertRecord(
    ctx,
    leadEntity,
    caller.actor,
    { ...fields, emailKey: given.email?.toLowerCase() },
    { onDuplicate: async () => new AppError('conflict') },
  );
}
