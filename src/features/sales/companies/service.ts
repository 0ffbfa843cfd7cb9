import type { Context } from '../../../context.ts';
import { AppError } from '../../../lib/errors.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { type RecordService, type Rules, recordService } from '../../../records/api/service.ts';
import { findLive } from '../../../records/unique.ts';
import { archiveRecord, updateRecord } from '../../../records/update.ts';
import type { Author } from '../../../tenancy/actor.ts';
import { type Company, type CompanyTypes, companyEntity } from './record.ts';
import { aloneInTree, assertCanStandBelow, hasLiveBelow } from './tree.ts';

/** @param until how long nobody else moves companies of the workspace */
const rulesUntil = (until?: Date): Rules<CompanyTypes> => ({
  async complete(ctx, { workspace }, { parentId }) {
    if (parentId) await assertCanStandBelow(ctx, workspace._id, undefined, parentId);
    return {};
  },
  revise: (ctx, change, { parentId }) =>
    parentId && until
      ? async (current) => {
          if (current.parentId === parentId.toLowerCase()) return change;
          await assertCanStandBelow(ctx, current.workspaceId, current._id, parentId.toLowerCase());
          return { ...change, until };
        }
      : change,
  afterCreate: settleInTree,
});

const plain = recordService(companyEntity, rulesUntil());

export const companyService: RecordService<CompanyTypes> = {
  ...plain,
  update: (ctx, caller, id, body, request) =>
    body.parentId
      ? aloneInTree(ctx, caller.workspace._id, (until) =>
          recordService(companyEntity, rulesUntil(until)).update(ctx, caller, id, body, request),
        )
      : plain.update(ctx, caller, id, body, request),
  /** @throws AppError conflict while live companies stand below it */
  archive: (ctx, { actor, workspace }, id) =>
    aloneInTree(ctx, workspace._id, async (until) => {
      if (await hasLiveBelow(ctx, workspace._id, id))
        throw new AppError('conflict', { message: 'Other companies belong to this one; move them first' });
      return archiveRecord(ctx, companyEntity, actor, id, { until });
    }),
};

export const {
  create: createCompany,
  update: updateCompany,
  find: findCompany,
  get: getCompany,
} = companyService;

/** The live company with this domain, in the spelling that companies keep. */
export const findCompanyByDomain = (
  ctx: Context,
  workspaceId: ObjectId,
  domain: string,
): Promise<Company | null> => findLive(ctx, companyEntity, workspaceId, 'domain', domain);

/**
 * Looks once more at a new company that was given a parent: while it was being made, that may have been archived or
 * moved deeper. Then the new one stands by itself. A create does this before it answers; where its process died, the
 * company's event brings it here (see settlement.ts).
 */
export async function settleInTree(ctx: Context, author: Author, { _id, parentId }: Company): Promise<void> {
  if (!parentId) return;
  const { workspaceId } = author;
  await aloneInTree(ctx, workspaceId, async (until) => {
    const company = await companyService.find(ctx, workspaceId, _id);
    if (company?.archived !== false || company.parentId !== parentId) return;
    if (await canStandBelow(ctx, company, parentId)) return;
    await updateRecord(ctx, companyEntity, author, _id, (current) =>
      current.parentId === parentId ? { set: {}, unset: ['parentId'], until } : undefined,
    );
  });
}

async function canStandBelow(
  ctx: Context,
  { _id, workspaceId }: Company,
  parentId: string,
): Promise<boolean> {
  const parent = await companyService.find(ctx, workspaceId, new ObjectId(parentId));
  if (parent?.archived !== false) return false;
  try {
    await assertCanStandBelow(ctx, workspaceId, _id, parentId);
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid') return false;
    throw error;
  }
}

/** Has a company stand below `to` instead of `from`, or by itself where it can't stand there. */
export const moveBelow = (
  ctx: Context,
  author: Author,
  { _id, workspaceId }: Company,
  from: string,
  to: string,
): Promise<Company> =>
  aloneInTree(ctx, workspaceId, (until) =>
    updateRecord(
      ctx,
      companyEntity,
      author,
      _id,
      async (current) => {
        if (current.parentId !== from) return undefined;
        const canStay = await canStandBelow(ctx, current, to);
        return canStay ? { set: { parentId: to }, until } : { set: {}, unset: ['parentId'], until };
      },
      { isArchivedToo: true, isMark: true },
    ),
  );
