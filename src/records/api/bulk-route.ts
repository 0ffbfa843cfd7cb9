import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { invalidInput, parseBounded } from '../../lib/bounds.ts';
import { bulkBodyBytesMax, bulkResponse, bulkRows, workspaceParams } from '../../lib/schemas.ts';
import { findWorkspace } from '../../tenancy/workspaces/service.ts';
import { insertRecords, type Row, type RowOutcome, reasonOf } from '../bulk.ts';
import { recallBulk, rememberBulk } from '../bulk-answers.ts';
import type { DeclaredEntity } from '../entity/entity.ts';
import { referencesIn } from '../entity/references.ts';
import type { EntityTypes } from '../entity/types.ts';
import type { IdempotencyRequest } from '../idempotency.ts';
import type { Caller, RecordService } from './service.ts';
import { answerCreated, callerOf, checkedBy, type Shape } from './shape.ts';

/** Many records in one request, each row with its own outcome; for entities with a bulk key. */
export function registerBulk<X extends EntityTypes>(
  app: FastifyInstance,
  ctx: Context,
  shape: Shape<X>,
): void {
  const { entity, plural, tags, writable } = shape;
  if (!entity.bulk) return;
  const rowsKey = plural.toLowerCase();
  const body = z.object({ [rowsKey]: bulkRows(`${entity.label}Input`) });
  app.post(
    `${entity.path}/bulk`,
    {
      bodyLimit: bulkBodyBytesMax,
      config: { ...writable, right: 'record.bulk', idempotent: true },
      schema: {
        operationId: `bulkCreate${plural}`,
        summary: `Create up to 500 ${plural.toLowerCase()}; each row has its own outcome`,
        tags,
        params: workspaceParams,
        body,
        response: { 201: bulkResponse },
      },
    },
    async (request, reply) => {
      const rows = checkedBy(body, request.body)[rowsKey] ?? [];
      const outcomes = await createInBulk(ctx, shape, callerOf(request), rows, request.idempotency);
      const created = outcomes.filter((outcome) => outcome.status === 'created');
      answerCreated(reply, created.length > 0 && created.every(({ isReplay }) => isReplay));
      return presentBulk(entity, outcomes);
    },
  );
}

async function createInBulk<X extends EntityTypes>(
  ctx: Context,
  shape: Shape<X>,
  caller: Caller,
  inputs: unknown[],
  idempotency: IdempotencyRequest | undefined,
): Promise<RowOutcome<X['document']>[]> {
  const { entity, service } = shape;
  const duplicateReason = entity.uniqueFields[0]?.reason ?? 'Duplicate';
  const workspaceId = caller.workspace._id;
  const answered = idempotency && (await recallBulk(ctx, entity, workspaceId, idempotency));
  if (answered) return answered;
  const references = await referencesIn(ctx, workspaceId, entity.activeFields, inputs);
  const rows: Row<X['document']>[] = [];
  for (const input of inputs) {
    // A row adds its new tags to the workspace; the next one is to know them, rather than to add them again.
    const workspace = (await findWorkspace(ctx, workspaceId)) ?? caller.workspace;
    rows.push(await prepareRow(ctx, service, { ...caller, workspace, references }, input));
  }
  const outcomes = await insertRecords(ctx, entity, caller.actor, rows, { idempotency, duplicateReason });
  for (const outcome of outcomes) {
    if (outcome.status === 'created') await service.afterCreate(ctx, caller.actor, outcome.record);
  }
  return idempotency ? rememberBulk(ctx, entity, workspaceId, idempotency, outcomes) : outcomes;
}

async function prepareRow<X extends EntityTypes>(
  ctx: Context,
  service: RecordService<X>,
  caller: Caller,
  input: unknown,
): Promise<Row<X['document']>> {
  const parsed = parseBounded(service.entity.schemas.input, input);
  if (!parsed.success) return { error: reasonOf(invalidInput(parsed.issues, 'row')) };
  try {
    return { fields: await service.prepare(ctx, caller, parsed.data) };
  } catch (error) {
    return { error: reasonOf(error) };
  }
}

function presentBulk<X extends EntityTypes>(
  entity: DeclaredEntity<X>,
  outcomes: RowOutcome<X['document']>[],
) {
  const created = outcomes.filter((outcome) => outcome.status === 'created');
  const isLead = entity.name === 'lead';
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
