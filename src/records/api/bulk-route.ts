import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { invalidInput, parseBounded } from '../../lib/bounds.ts';
import { bulkBodyBytesMax, bulkResponse, bulkRows, workspaceParams } from '../../lib/schemas.ts';
import { findWorkspace } from '../../tenancy/workspaces/service.ts';
import { insertRecords, type Row, type RowOutcome, reasonOf } from '../bulk.ts';
import { recallBulk, rememberBulk } from '../bulk-answers.ts';
import type { IdempotencyRequest } from '../idempotency.ts';
import type { Entity, RecordDocument } from '../record.ts';
import type { Caller, RecordService } from './service.ts';
import { answerCreated, callerOf, type Shape } from './shape.ts';

/** Many records in one request, each row with its own outcome; for entities with a bulk key. */
export function registerBulk<T extends RecordDocument>(
  app: FastifyInstance,
  ctx: Context,
  shape: Shape<T>,
): void {
  const { entity, path, names, tags, writable, schemas, bulkKey } = shape;
  const [, plural] = names;
  if (!bulkKey) return;
  app.post(
    `${path}/bulk`,
    {
      bodyLimit: bulkBodyBytesMax,
      config: { ...writable, right: 'record.bulk', idempotent: true },
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
      const outcomes = await createInBulk(ctx, shape, callerOf(request), rows, request.idempotency);
      const created = outcomes.filter((outcome) => outcome.status === 'created');
      answerCreated(reply, created.length > 0 && created.every(({ isReplay }) => isReplay));
      return presentBulk(entity, outcomes);
    },
  );
}

async function createInBulk<T extends RecordDocument>(
  ctx: Context,
  shape: Shape<T>,
  caller: Caller,
  inputs: unknown[],
  idempotency: IdempotencyRequest | undefined,
): Promise<RowOutcome<T>[]> {
  const { entity, service, schemas, duplicateReason = 'Duplicate' } = shape;
  const workspaceId = caller.workspace._id;
  const answered = idempotency && (await recallBulk(ctx, entity, workspaceId, idempotency));
  if (answered) return answered;
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
  return idempotency ? rememberBulk(ctx, entity, workspaceId, idempotency, outcomes) : outcomes;
}

async function prepareRow<T extends RecordDocument>(
  ctx: Context,
  service: RecordService<T>,
  schema: z.ZodType,
  caller: Caller,
  input: unknown,
): Promise<Row<T>> {
  const parsed = parseBounded(schema, input);
  if (!parsed.success) return { error: reasonOf(invalidInput(parsed.issues, 'row')) };
  try {
    return { fields: await service.prepare(ctx, caller, parsed.data as never) };
  } catch (error) {
    return { error: reasonOf(error) };
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
