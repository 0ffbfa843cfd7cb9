import type { Context } from '../../../context.ts';
import { AppError } from '../../../lib/errors.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { recordService } from '../../../records/api/service.ts';
import type { Change } from '../../../records/change.ts';
import { facet } from '../../../records/facets.ts';
import { listRecordsByOffset } from '../../../records/list.ts';
import type { OffsetPage } from '../../../records/offset.ts';
import { findLiveByPhone } from '../../../records/unique.ts';
import { updateRecord } from '../../../records/update.ts';
import type { Author } from '../../../tenancy/actor.ts';
import type { Workspace } from '../../../tenancy/workspaces/model.ts';
import { completeNames, reviseNames } from '../names.ts';
import { type Lead, leadEntity } from './record.ts';

export const leadService = recordService(leadEntity, {
  complete: (_ctx, _caller, lead) => completeNames(lead),
  revise: (_ctx, change, given) => (current) =>
    withClaim(reviseNames(change, given, current), given.email, current),
});

export const {
  prepare: prepareLead,
  create: createLead,
  update: updateLead,
  find: findLead,
  get: getLead,
} = leadService;

/** The claim on an address ends with it; one that is only restated keeps its claim, and is no change. */
function withClaim(change: Required<Change>, email: string | null | undefined, { emailKey }: Lead): Change {
  if (email === undefined || emailKey === email?.toLowerCase()) return change;
  return { ...change, unset: [...change.unset, 'emailKey'] };
}

/** The live lead with this number, written in any way. */
export const findLeadByPhone = (ctx: Context, workspace: Workspace, phone: string): Promise<Lead | null> =>
  findLiveByPhone(ctx, leadEntity, workspace, phone);

/** Live leads by limit and offset, newest first. */
export const listLeadsByOffset = (
  ctx: Context,
  workspaceId: ObjectId,
  query: Parameters<typeof listRecordsByOffset>[3],
): Promise<OffsetPage<Lead>> => listRecordsByOffset(ctx, leadEntity, workspaceId, query);

/** The oldest live lead with this address. */
export const findLeadByEmail = (ctx: Context, workspaceId: ObjectId, email: string): Promise<Lead | null> =>
  leadEntity
    .collection(ctx.db)
    .findOne(
      workspaceId,
      { archived: false, facets: facet('email', email) },
      { hint: 'filtered_list', sort: { createdAt: 1, _id: 1 } },
    );

/**
 * Marks a lead as having become a customer. Once it has, doing so again changes nothing, so that a repetition never
 * undoes what people did to the lead since.
 */
export async function convertLead(
  ctx: Context,
  author: Author,
  id: ObjectId,
  customerId: ObjectId,
): Promise<void> {
  const set = { status: 'converted', customerId: customerId.toHexString() };
  try {
    const revision = (lead: Lead) => (lead.customerId === set.customerId ? undefined : { set });
    await updateRecord(ctx, leadEntity, author, id, revision, { isMark: true });
  } catch (error) {
    // Archived or deleted meanwhile: there is nothing left to convert.
    const isGone = error instanceof AppError && (error.code === 'conflict' || error.code === 'not_found');
    if (!isGone) throw error;
  }
}
