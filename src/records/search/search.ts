import type { Context } from '../../context.ts';
import { decodeCursor } from '../../lib/cursor.ts';
import { invalid } from '../../lib/errors.ts';
import type { Workspace } from '../../tenancy/workspaces/model.ts';
import type { DeclaredEntity } from '../entity/entity.ts';
import type { EntityTypes } from '../entity/types.ts';
import { checkedListMs, checkedScanMs } from '../list.ts';
import type { Page } from '../page.ts';
import { type Condition, conditionOf } from './conditions.ts';
import { searchFieldOf } from './fields.ts';
import { merged, type Order, pageOf, readGroup } from './group.ts';
import type { SearchFilter } from './schema.ts';

export interface SearchQuery {
  /** Alternatives; all filters of one have to be met. */
  filterGroups?: { filters: SearchFilter[] }[] | undefined;
  sort?: 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt' | undefined;
  limit: number;
  cursor?: string | undefined;
  archived?: boolean | undefined;
}

/**
 * One page of the records that meet all filters of one of the groups. Each group looks at a bounded number of records,
 * so where hardly any meets its filters and no index leads to them, a page has fewer records than asked for, or none, and a
 * cursor to go on with.
 * @throws AppError invalid for fields that the entity doesn't have and values that they can't be compared with,
 * rate_limited
 */
export async function searchRecords<X extends EntityTypes>(
  ctx: Context,
  entity: DeclaredEntity<X>,
  workspace: Workspace,
  query: SearchQuery,
): Promise<Page<X['document']>> {
  const { limit, cursor, sort = '-createdAt', archived = false } = query;
  const order: Order = {
    field: sort.endsWith('updatedAt') ? 'updatedAt' : 'createdAt',
    direction: sort.startsWith('-') ? -1 : 1,
  };
  const from = cursor ? decodeCursor(cursor) : undefined;
  const groups = conditionsOf(entity, workspace, query.filterGroups ?? []);
  const priceMs = groups.reduce((sum, conditions) => sum + priceOf(conditions), 0);
  if (priceMs > 0) await ctx.share.enter(workspace._id.toHexString(), priceMs);
  const collection = entity.collection(ctx.db);
  const found = await Promise.all(
    groups.map((conditions) =>
      readGroup(collection, workspace._id, { conditions, archived, order, from, limit }),
    ),
  );
  return pageOf(merged(found, order), order, limit);
}

/** What a group costs to look up: as much as a list that checks the same. */
function priceOf(conditions: Condition[]): number {
  if (conditions.every(({ bounds }) => bounds)) return 0;
  if (!conditions.some(({ facets }) => facets)) return checkedScanMs;
  return conditions.length > 1 ? checkedListMs : 0;
}

/** The conditions of each group; without groups one that everything meets. */
function conditionsOf<X extends EntityTypes>(
  entity: DeclaredEntity<X>,
  { timezone }: Workspace,
  groups: { filters: SearchFilter[] }[],
): Condition[][] {
  const conditions = groups.map(({ filters }, group) =>
    filters.map((filter, index) => {
      const path = `filterGroups.${group}.filters.${index}`;
      const field = searchFieldOf(entity, filter.field);
      if (!field) throw invalid(`${path}.field`, `${entity.names[1]} have no field of this name`);
      return conditionOf(field, filter, { path, timezone });
    }),
  );
  return conditions.length > 0 ? conditions : [[]];
}
