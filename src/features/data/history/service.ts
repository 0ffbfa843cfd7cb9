import type { z } from 'zod';
import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { Caller } from '../../../records/api/service.ts';
import { type HistoryRow, history } from '../../../records/history.ts';
import { type Page, pageByPosition } from '../../../records/page.ts';
import { hasModule } from '../../../tenancy/workspaces/modules.ts';
import type { historyQuery } from './schema.ts';

export { presentHistoryRow } from './present.ts';

const newestFirst = { field: 'at', direction: -1 } as const;

/** What became of one record, newest first. */
export const listHistoryOf = (
  ctx: Context,
  workspaceId: ObjectId,
  recordId: ObjectId,
  page: { limit: number; cursor?: string | undefined },
): Promise<Page<HistoryRow>> =>
  pageByPosition(history(ctx.db), workspaceId, {
    ...newestFirst,
    ...page,
    filter: { 'record.id': recordId },
    others: [],
    hint: 'of_record',
  });

/** What happened in the workspace, newest first, to records of the kinds that the caller may read. */
export async function listHistory(
  ctx: Context,
  caller: Caller,
  { limit, cursor, type, actor, action, since, until }: z.output<typeof historyQuery>,
): Promise<Page<HistoryRow>> {
  const types = readableTypes(ctx, caller).filter((one) => type === undefined || one === type);
  const ofTypes = { 'record.type': { $in: types } };
  const inTime = {
    ...(since || until
      ? { at: { ...(since ? { $gte: since } : {}), ...(until ? { $lt: until } : {}) } }
      : {}),
  };
  // The index finds what one actor did, or else what befell records of these kinds; the rest is looked at.
  const [found, looked] = actor === undefined ? [ofTypes, []] : [{ 'actor.id': actor }, [ofTypes]];
  return pageByPosition(history(ctx.db), caller.workspace._id, {
    ...newestFirst,
    limit,
    cursor,
    filter: { ...found, ...inTime },
    others: [...looked, ...(action ? [{ action }] : [])],
    hint: actor === undefined ? 'by_type' : 'by_actor',
  });
}

/** The kinds of record that the caller may read here. */
const readableTypes = (ctx: Context, { actor, workspace }: Caller): string[] =>
  ctx.features
    .flatMap(({ entities = [] }) => entities)
    .filter(({ scopes, module }) => actor.scopes.has(scopes.read) && hasModule(workspace, module))
    .map(({ name }) => name);
