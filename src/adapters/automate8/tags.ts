import { z } from 'zod';
import type { Context } from '../../context.ts';
import { countBearers } from '../../features/data/tags/bearers.ts';
import { type Tag, tagEntity } from '../../features/data/tags/record.ts';
import { archiveTag, createTag, getTag, listTags, updateTag } from '../../features/data/tags/service.ts';
import type { Routes } from '../../http.ts';
import { filterText, shortText } from '../../lib/schemas.ts';
import { toUuid } from '../../lib/uuid.ts';
import { conflict, unlessDuplicate } from './errors.ts';
import {
  changeRequest,
  clearable,
  dataOf,
  done,
  errorOut,
  failures,
  found,
  idParams,
  limitGiven,
  listOf,
  liveIn,
  messageOut,
  offsetGiven,
  optional,
  timeOut,
  uuidOut,
  workspaceGiven,
} from './schema.ts';

const tags = ['Tags'];
const demands = { module: tagEntity.module, perAddress: { routes: 'tags', perMinute: 100 } } as const;
const changing = { ...demands, right: 'structure.change' } as const;

const colors = ['green', 'blue', 'purple', 'orange', 'red', 'cyan', 'pink', 'teal'] as const;
const defaultColor = 'blue';
const name = z.string().trim().min(1).max(100);

const tagQuery = z.object({
  search: optional(filterText).describe('Part of the name, in any case'),
  color: optional(z.enum(colors)),
  limit: limitGiven(50),
  offset: offsetGiven,
  workspace_id: optional(workspaceGiven),
});

const tagInput = z
  .object({
    name,
    color: optional(z.enum(colors)).describe(`${defaultColor} unless it is given`),
    description: optional(shortText),
    workspace_id: optional(workspaceGiven),
  })
  .meta({ id: 'TagInput' });

const tagChanges = z
  .object({
    name: optional(name),
    color: clearable(z.enum(colors)),
    description: clearable(shortText),
    workspace_id: optional(workspaceGiven),
  })
  .meta({ id: 'TagChanges' });

const tagOut = z
  .object({
    id: uuidOut,
    name: z.string(),
    color: z.string(),
    description: z.string().nullable(),
    workspace_id: z.string(),
    usage_count: z.int(),
    created_at: timeOut,
    updated_at: timeOut,
  })
  .meta({ id: 'Tag' });

const page = listOf(tagOut).extend({
  pagination: z.object({ limit: z.int(), offset: z.int(), total: z.int() }),
});

export const tagRoutes: Routes = async (app, { ctx }) => {
  app.get(
    '/api/tags',
    {
      config: { ...demands, access: 'automate8:tags:read' },
      schema: {
        operationId: 'listTags',
        summary: 'List tags by name',
        tags,
        querystring: tagQuery,
        response: { 200: page, ...failures },
      },
    },
    async ({ workspace, query }) => {
      const { search = '', color, limit, offset } = query;
      const known = await listTags(ctx, workspace._id);
      const matching = known
        .filter((tag) => tag.name.toLowerCase().includes(search.toLowerCase()))
        .filter((tag) => color === undefined || colorOf(tag) === color)
        .toSorted((one, other) => one.name.localeCompare(other.name));
      const rows = matching.slice(offset, offset + limit);
      return {
        ...found(await Promise.all(rows.map((tag) => present(ctx, tag)))),
        pagination: { limit, offset, total: matching.length },
      };
    },
  );

  app.post(
    '/api/tags',
    {
      config: { ...changing, access: 'automate8:tags:write', idempotent: true },
      schema: {
        operationId: 'createTag',
        summary: 'Create a tag',
        tags,
        body: tagInput,
        response: { 201: dataOf(tagOut), ...failures, 409: errorOut },
      },
    },
    async ({ actor, workspace, body, idempotency }, reply) => {
      const draft = { name: body.name, color: body.color ?? defaultColor, description: body.description };
      const { record } = await createTag(ctx, { actor, workspace }, draft, idempotency).catch(
        unlessDuplicate(nameTaken),
      );
      reply.code(201);
      return found(await present(ctx, record));
    },
  );

  app.put(
    '/api/tags/:id',
    {
      config: { ...changing, access: 'automate8:tags:write' },
      schema: {
        operationId: 'updateTag',
        summary: 'Change a tag; a new name reaches every record that has it',
        tags,
        params: idParams,
        body: tagChanges,
        response: { 200: dataOf(tagOut), ...failures, 404: errorOut, 409: errorOut },
      },
    },
    async ({ actor, workspace, params, body }) => {
      const { _id } = await liveIn(ctx, workspace._id, params.id, getTag, tagEntity.label);
      const given = { name: body.name, color: body.color, description: body.description };
      const tag = await updateTag(ctx, { actor, workspace }, _id, given, changeRequest).catch(
        unlessDuplicate(nameTaken),
      );
      return found(await present(ctx, tag));
    },
  );

  app.delete(
    '/api/tags/:id',
    {
      config: { ...changing, access: 'automate8:tags:delete' },
      schema: {
        operationId: 'deleteTag',
        summary: 'Delete a tag, and take it off every record that has it',
        tags,
        params: idParams,
        response: { 200: messageOut, ...failures, 404: errorOut, 409: errorOut },
      },
    },
    async ({ actor, workspace, params }) => {
      const tag = await liveIn(ctx, workspace._id, params.id, getTag, tagEntity.label);
      await archiveTag(ctx, { actor, workspace }, tag._id);
      return done(`Tag '${tag.name}' deleted successfully`);
    },
  );
};

const nameTaken = () => conflict('A tag with this name already exists in this workspace');

/** Of a tag that a record made known nobody has said it. */
const colorOf = ({ color }: Tag): string => color ?? defaultColor;

async function present(ctx: Context, tag: Tag): Promise<z.output<typeof tagOut>> {
  const counts = Object.values(await countBearers(ctx, tag.workspaceId, tag.name));
  return {
    id: toUuid(tag._id),
    name: tag.name,
    color: colorOf(tag),
    description: tag.description ?? null,
    workspace_id: tag.workspaceId.toHexString(),
    usage_count: counts.reduce((sum, count) => sum + count, 0),
    created_at: tag.createdAt.toISOString(),
    updated_at: tag.updatedAt.toISOString(),
  };
}
