import type { Context } from '../../../context.ts';
import { alone } from '../../../infra/alone.ts';
import { invalid } from '../../../lib/errors.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { facet } from '../../../records/facets.ts';
import { type Company, companyEntity } from './record.ts';

/**
 * Companies form trees by their `parentId`: nobody is above itself, and no chain is longer than `levelsMax`. That takes
 * more than one document to see, so whoever moves a company, or archives one, does it alone in the workspace, under a
 * lease; and the write itself names the time at which the lease ends, by the clock of the server that carries it out.
 * So whatever becomes of the mover, its write is made while nobody else's is, or never.
 */

const levelsMax = 20;
/** What a move looks at below the company. */
const descendantsMax = 2_000;

/** Runs `work` while nobody else moves companies of the workspace. @param work is told when that ends */
export const aloneInTree = <R>(
  ctx: Context,
  workspaceId: ObjectId,
  work: (until: Date) => Promise<R>,
): Promise<R> =>
  alone(
    ctx.db,
    `company-tree:${workspaceId.toHexString()}`,
    'Companies are being moved by too many at once',
    work,
  );

/**
 * Asserts that a company can stand below another.
 * @param id of the company, if there is one already
 * @throws AppError invalid where it would be above itself or too deep
 */
export async function assertCanStandBelow(
  ctx: Context,
  workspaceId: ObjectId,
  id: ObjectId | undefined,
  parentId: string,
): Promise<void> {
  const above = await chainFrom(ctx, workspaceId, parentId);
  if (id && above.includes(id.toHexString()))
    throw invalid('parentId', 'Must not be the company itself or one below it');
  const levels = above.length + (id ? await levelsOf(ctx, workspaceId, id, levelsMax - above.length) : 1);
  if (levels > levelsMax)
    throw invalid('parentId', `Companies can stand at most ${levelsMax} deep below each other`);
}

/** Whether a company stands below another, however deep. */
export const isBelow = async (
  ctx: Context,
  { workspaceId, _id }: Company,
  other: ObjectId,
): Promise<boolean> =>
  (await chainFrom(ctx, workspaceId, _id.toHexString())).slice(1).includes(other.toHexString());

/** Ids from a company up to the one that has none above it; of a longer chain one more than is allowed. */
async function chainFrom(ctx: Context, workspaceId: ObjectId, id: string): Promise<string[]> {
  const chain: string[] = [];
  for (let next: string | undefined = id; next && chain.length <= levelsMax; ) {
    chain.push(next);
    const company = await companyEntity.collection(ctx.db).findById(workspaceId, new ObjectId(next));
    next = company?.parentId;
  }
  return chain;
}

/** How many levels a company has, itself included; no more than one beyond `enough` are counted. */
async function levelsOf(ctx: Context, workspaceId: ObjectId, id: ObjectId, enough: number): Promise<number> {
  let level = [id.toHexString()];
  let levels = 0;
  let left = descendantsMax;
  while (level.length > 0 && levels <= enough) {
    levels += 1;
    const below = await idsBelow(ctx, workspaceId, level, [false, true], left + 1);
    left -= below.length;
    if (left < 0)
      throw invalid('parentId', `A company with more than ${descendantsMax} others below it can't be moved`);
    level = below;
  }
  return levels;
}

/** Whether a live company stands directly below it. */
export const hasLiveBelow = async (ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<boolean> =>
  (await idsBelow(ctx, workspaceId, [id.toHexString()], [false], 1)).length > 0;

async function idsBelow(
  ctx: Context,
  workspaceId: ObjectId,
  parentIds: string[],
  archived: boolean[],
  limit: number,
): Promise<string[]> {
  const facets = parentIds.map((parentId) => facet('parentId', parentId));
  const found = await companyEntity
    .collection(ctx.db)
    .findPage(
      workspaceId,
      { archived: { $in: archived }, facets: { $in: facets } },
      { limit, hint: 'filtered_list', projection: { workspaceId: 1 } },
    );
  return found.map(({ _id }) => _id.toHexString());
}
