import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Actor, Scope } from '../actor.ts';
import type { Context } from '../context.ts';
import type { Module, Workspace } from '../features/workspaces/model.ts';
import { findWorkspace } from '../features/workspaces/service.ts';
import { AppError } from '../lib/errors.ts';
import type { IfMatch } from '../lib/etag.ts';
import { type ObjectId, requireId } from '../lib/ids.ts';
import {
  actionSuccess,
  bulkBodyBytesMax,
  bulkResponse,
  bulkRows,
  done,
  envelope,
  idParams,
  listQueryOf,
  pageOf,
  recentQuery,
  syncQuery,
  workspaceParams,
} from '../lib/schemas.ts';
import { insertRecords, type Row, type RowOutcome } from './bulk.ts';
import { type Created, createOnce, type IdempotencyRequest } from './idempotency.ts';
import { insertRecord } from './insert.ts';
import { type ListQuery, listRecords, type Page, recentRecords, syncRecords } from './list.ts';
import type { Entity, Managed, RecordDocument } from './record.ts';
import { archiveRecord } from './update.ts';

/** Who asks, and in which workspace. */
export interface Caller {
  actor: Actor;
  workspace: Workspace;
}

export interface UpdateRequest {
  ifMatch: IfMatch | undefined;
  /** PATCH: null clears and nested objects merge. */
  isMergePatch: boolean;
}

/** What an entity's service decides; the rest of its life is the same as every record's. */
export interface RecordService<T extends RecordDocument> {
  /** Checks an input against the workspace and makes the record's fields of it. @throws AppError */
  prepare(ctx: Context, caller: Caller, input: never): Promise<Omit<T, Managed>>;
  update(ctx: Context, caller: Caller, id: ObjectId, body: never, request: UpdateRequest): Promise<T>;
  /** The error for a record that breaks a unique rule. */
  duplicateError?(ctx: Context, workspaceId: ObjectId, fields: Omit<T, Managed>): Promise<Error>;
  /** What has to follow a create; runs again for a retried one. */
  afterCreate?(ctx: Context, workspaceId: ObjectId, record: T): Promise<void>;
}

/** An entity's routes as data. */
export interface RecordRoutes<T extends RecordDocument> {
  entity: Entity<T>;
  service: RecordService<T>;
  /** Below the workspace: "/leads". */
  path: string;
  /** Name of the id in the path, as the document has it: "leadId". */
  idParam: string;
  /** For operation ids and summaries: ["Lead", "Leads"]. */
  names: readonly [singular: string, plural: string];
  module: Module;
  scopes: { read: Scope; write: Scope };
  schemas: {
    /** POST and PUT body, and the name of its component. */
    input: z.ZodType;
    inputName: string;
    /** PUT body where it differs from the POST body. */
    replace?: z.ZodType;
    patch: z.ZodType;
    out: z.ZodType;
    /** Query parameters that filter the list, and the field each looks at. */
    filters: Record<string, { schema: z.ZodType; field: string }>;
  };
  /** Key of the rows in a bulk body; entities without one have no bulk route. */
  bulkKey?: string;
  duplicateReason?: string;
}

type Request = FastifyRequest<{ Params: Record<string, string>; Querystring: never; Body: never }>;

const callerOf = ({ actor, workspace }: Request): Caller => ({ actor, workspace });

/** Creates one record, or finds the one that an earlier request with the same key created. */
export async function createRecord<T extends RecordDocument>(
  ctx: Context,
  routes: Pick<RecordRoutes<T>, 'entity' | 'service'>,
  caller: Caller,
  input: unknown,
  idempotency: IdempotencyRequest | undefined,
): Promise<Created<T>> {
  const { entity, service } = routes;
  const workspaceId = caller.workspace._id;
  const created = await createOnce(ctx, entity, workspaceId, idempotency, async () => {
    const fields = await service.prepare(ctx, caller, input as never);
    const { duplicateError } = service;
    return insertRecord(ctx, entity, workspaceId, fields, {
      idempotency,
      ...(duplicateError ? { onDuplicate: () => duplicateError(ctx, workspaceId, fields) } : {}),
    });
  });
  await service.afterCreate?.(ctx, workspaceId, created.record);
  return created;
}

/** Registers list, create, get, put, patch, archive, sync, recent and bulk of an entity. */
export function registerRecordRoutes<T extends RecordDocument>(
  app: FastifyInstance,
  ctx: Context,
  routes: RecordRoutes<T>,
): void {
  const { entity, service, path, schemas, module } = routes;
  const [singular, plural] = routes.names;
  const idPath = `${path}/:${routes.idParam}`;
  const tags = [plural];
  const readable = { access: routes.scopes.read, module };
  const writable = { access: routes.scopes.write, module };
  const one = envelope(schemas.out);
  const many = pageOf(schemas.out);
  const recordParams = idParams(routes.idParam);
  const idOf = (request: Request) => requireId(request.params[routes.idParam] ?? '', entity.label);
  const present = (record: T) => ({ success: true as const, data: entity.present(record) });
  const presentPage = ({ records, nextCursor }: Page<T>) => ({
    success: true as const,
    data: records.map((record) => entity.present(record)),
    nextCursor,
  });
  const fieldOf = Object.fromEntries(
    Object.entries(schemas.filters).map(([name, { field }]) => [name, field]),
  );
  const filterSchemas = Object.fromEntries(
    Object.entries(schemas.filters).map(([name, { schema }]) => [name, schema]),
  );

  app.get(
    path,
    {
      config: readable,
      schema: {
        operationId: `list${plural}`,
        summary: `List ${plural.toLowerCase()}, newest first`,
        tags,
        params: workspaceParams,
        querystring: listQueryOf(filterSchemas),
        response: { 200: many },
      },
    },
    async (request) => {
      const query = listQuery(request.query as Record<string, unknown>, fieldOf);
      return presentPage(await listRecords(ctx, entity, request.workspace._id, query));
    },
  );

  app.post(
    path,
    {
      config: { ...writable, idempotent: true, etag: true },
      schema: {
        operationId: `create${singular}`,
        summary: `Create a ${singular.toLowerCase()}`,
        tags,
        params: workspaceParams,
        body: schemas.input,
        response: { 201: one },
      },
    },
    async (request, reply) => {
      const created = await createRecord(
        ctx,
        routes,
        callerOf(request as Request),
        request.body,
        request.idempotency,
      );
      answerCreated(reply, created.isReplay);
      return present(created.record);
    },
  );

  app.get(
    `${path}/sync`,
    {
      config: readable,
      schema: {
        operationId: `sync${plural}`,
        summary: `${plural} in the order of their last change, archived ones included`,
        tags,
        params: workspaceParams,
        querystring: syncQuery,
        response: { 200: many },
      },
    },
    async (request) => {
      const query = request.query as z.output<typeof syncQuery>;
      const { limit, cursor, updated_since: updatedSince } = query;
      return presentPage(
        await syncRecords(ctx, entity, request.workspace._id, { limit, cursor, updatedSince }),
      );
    },
  );

  app.get(
    `${path}/recent`,
    {
      config: readable,
      schema: {
        operationId: `recent${plural}`,
        summary: `${plural} created in the last hours, newest first`,
        tags,
        params: workspaceParams,
        querystring: recentQuery,
        response: { 200: many },
      },
    },
    async (request) => {
      const query = request.query as z.output<typeof recentQuery>;
      return presentPage(await recentRecords(ctx, entity, request.workspace._id, query));
    },
  );

  app.get(
    idPath,
    {
      config: { ...readable, etag: true },
      schema: {
        operationId: `get${singular}`,
        summary: `Get a ${singular.toLowerCase()}`,
        tags,
        params: recordParams,
        response: { 200: one },
      },
    },
    async (request) => {
      const record = await entity
        .collection(ctx.db)
        .findById(request.workspace._id, idOf(request as Request));
      if (!record) throw new AppError('not_found', { message: `${entity.label} not found` });
      return present(record);
    },
  );

  const update = (method: 'put' | 'patch', body: z.ZodType) =>
    app[method](
      idPath,
      {
        config: { ...writable, etag: true },
        schema: {
          operationId: `${method === 'put' ? 'update' : 'patch'}${singular}`,
          summary:
            method === 'put'
              ? `Update a ${singular.toLowerCase()}: given fields change, the others stay`
              : `Change a ${singular.toLowerCase()} by JSON Merge Patch: null clears a field`,
          tags,
          params: recordParams,
          body,
          response: { 200: one },
        },
      },
      async (request) => {
        const options = { ifMatch: request.ifMatch, isMergePatch: method === 'patch' };
        const id = idOf(request as Request);
        return present(
          await service.update(ctx, callerOf(request as Request), id, request.body as never, options),
        );
      },
    );
  update('put', schemas.replace ?? schemas.input);
  update('patch', schemas.patch);

  app.post(
    `${idPath}/archive`,
    {
      config: writable,
      schema: {
        operationId: `archive${singular}`,
        summary: `Archive a ${singular.toLowerCase()}`,
        tags,
        params: recordParams,
        response: { 200: actionSuccess },
      },
    },
    async (request) => {
      await archiveRecord(ctx, entity, request.workspace._id, idOf(request as Request));
      return done(`${entity.label} archived successfully`);
    },
  );

  const { bulkKey } = routes;
  if (bulkKey) {
    app.post(
      `${path}/bulk`,
      {
        bodyLimit: bulkBodyBytesMax,
        config: { ...writable, idempotent: true },
        schema: {
          operationId: `bulkCreate${plural}`,
          summary: `Create up to 500 ${plural.toLowerCase()}; each row has its own outcome`,
          tags,
          params: workspaceParams,
          body: z.object({ [bulkKey]: bulkRows(schemas.inputName) }),
          response: { 201: bulkResponse },
        },
      },
      async (request, reply) => {
        const rows = (request.body as Record<string, unknown[]>)[bulkKey] ?? [];
        const outcomes = await createInBulk(
          ctx,
          routes,
          callerOf(request as Request),
          rows,
          request.idempotency,
        );
        const created = outcomes.filter((outcome) => outcome.status === 'created');
        answerCreated(reply, created.length > 0 && created.every(({ isReplay }) => isReplay));
        return presentBulk(entity, outcomes);
      },
    );
  }
}

/** 201, and whether this is the answer to an earlier request. */
export function answerCreated(reply: FastifyReply, isReplay: boolean): void {
  reply.code(201);
  if (isReplay) reply.header('Idempotency-Replayed', 'true');
}

/** A list's query as the store understands it: named filters and `fields.<key>` become facets. */
function listQuery(query: Record<string, unknown>, fieldOf: Record<string, string>): ListQuery {
  const filters: Record<string, string> = {};
  for (const [name, value] of Object.entries(query)) {
    const field = Object.hasOwn(fieldOf, name)
      ? fieldOf[name]
      : name.startsWith('fields.')
        ? name
        : undefined;
    if (field === undefined || value === undefined) continue;
    if (typeof value !== 'string')
      throw new AppError('invalid', { details: { [name]: ['Must be given once'] } });
    filters[field] = value;
  }
  return { ...(query as unknown as ListQuery), filters };
}

async function createInBulk<T extends RecordDocument>(
  ctx: Context,
  routes: RecordRoutes<T>,
  caller: Caller,
  inputs: unknown[],
  idempotency: IdempotencyRequest | undefined,
): Promise<RowOutcome<T>[]> {
  const { entity, service, schemas, duplicateReason = 'Duplicate' } = routes;
  const workspaceId = caller.workspace._id;
  const rows: Row<T>[] = [];
  for (const input of inputs) {
    // A row adds its new tags to the workspace; the next one is to know them, rather than to add them again.
    const workspace = (await findWorkspace(ctx, workspaceId)) ?? caller.workspace;
    rows.push(await prepareRow(ctx, service, schemas.input, { ...caller, workspace }, input));
  }
  const outcomes = await insertRecords(ctx, entity, workspaceId, rows, { idempotency, duplicateReason });
  if (service.afterCreate) {
    for (const outcome of outcomes) {
      if (outcome.status === 'created') await service.afterCreate(ctx, workspaceId, outcome.record);
    }
  }
  return outcomes;
}

async function prepareRow<T extends RecordDocument>(
  ctx: Context,
  service: RecordService<T>,
  schema: z.ZodType,
  caller: Caller,
  input: unknown,
): Promise<Row<T>> {
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    return {
      error: parsed.error.issues
        .map((issue) => `${issue.path.join('.') || 'row'}: ${issue.message}`)
        .join('; '),
    };
  }
  try {
    return { fields: await service.prepare(ctx, caller, parsed.data as never) };
  } catch (error) {
    if (!(error instanceof AppError) || error.status >= 500) throw error;
    const details = Object.entries(error.details ?? {}).map(
      ([path, messages]) => `${path}: ${messages.join(', ')}`,
    );
    return { error: details.join('; ') || error.message };
  }
}

function presentBulk<T extends RecordDocument>(entity: Entity<T>, outcomes: RowOutcome<T>[]) {
  const created = outcomes.filter((outcome) => outcome.status === 'created');
  const isLead = entity.label === 'Lead';
  return {
    success: true as const,
    count: created.length,
    skippedDuplicates: outcomes.length - created.length,
    data: created.map(({ record }) => entity.present(record)),
    results: outcomes.map((outcome, index) => {
      if (outcome.status !== 'created') return { index, status: outcome.status, error: outcome.reason };
      const id = outcome.record._id.toHexString();
      return { index, status: outcome.status, id, ...(isLead ? { leadId: id } : {}) };
    }),
  };
}
