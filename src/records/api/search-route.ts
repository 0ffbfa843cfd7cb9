import type { FastifyInstance } from 'fastify';
import type { Context } from '../../context.ts';
import { invalid } from '../../lib/errors.ts';
import { pageOf, workspaceParams } from '../../lib/schemas.ts';
import type { DeclaredEntity } from '../entity/entity.ts';
import type { EntityTypes } from '../entity/types.ts';
import { searchFieldOf } from '../search/fields.ts';
import { searchBody } from '../search/schema.ts';
import { searchRecords } from '../search/search.ts';
import { checkedBy, type Shape } from './shape.ts';

/** Any filters, combined; every entity has it. */
export function registerSearch<X extends EntityTypes>(
  app: FastifyInstance,
  ctx: Context,
  { entity, plural, tags, readable }: Shape<X>,
): void {
  app.post(
    `${entity.path}/search`,
    {
      config: readable,
      schema: {
        operationId: `search${plural}`,
        summary: `Search ${plural.toLowerCase()} by any of their fields`,
        tags,
        params: workspaceParams,
        body: searchBody,
        response: { 200: pageOf(entity.schemas.part) },
      },
    },
    async (request) => {
      const { fields, ...query } = checkedBy(searchBody, request.body);
      const show = fields ? showing(entity, fields) : entity.present;
      const { records, nextCursor } = await searchRecords(ctx, entity, request.workspace, query);
      return { success: true as const, data: records.map(show), nextCursor };
    },
  );
}

type Shown = Record<string, unknown>;

/** Shows a record's id and these fields. @throws AppError invalid for a field that there is not */
function showing<X extends EntityTypes>(entity: DeclaredEntity<X>, fields: string[]) {
  for (const [index, name] of fields.entries()) {
    if (!searchFieldOf(entity, name))
      throw invalid(`fields.${index}`, `${entity.names[1]} have no field of this name`);
  }
  const roots = new Set(fields.filter((name) => !name.includes('.')));
  const entries = fields
    .filter((name) => name.includes('.'))
    .map((name) => name.split('.') as [string, string]);
  return (record: X['document']): Shown => {
    const whole = entity.present(record) as Shown;
    const shown: Shown = { _id: whole._id };
    for (const [name, value] of Object.entries(whole)) {
      if (roots.has(name)) shown[name] = value;
    }
    for (const [root, key] of entries) {
      const map = whole[root] as Shown | undefined;
      if (roots.has(root) || !map || !Object.hasOwn(map, key)) continue;
      shown[root] = { ...(shown[root] as Shown | undefined), [key]: map[key] };
    }
    return shown;
  };
}
