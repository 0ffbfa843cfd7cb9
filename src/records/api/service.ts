import type { Context } from '../../context.ts';
import type { IfMatch } from '../../lib/etag.ts';
import type { ObjectId } from '../../lib/ids.ts';
import type { Actor } from '../../tenancy/actor.ts';
import type { Workspace } from '../../tenancy/workspaces/model.ts';
import { type Created, createOnce, type IdempotencyRequest } from '../idempotency.ts';
import { insertRecord } from '../insert.ts';
import type { Entity, Managed, RecordDocument } from '../record.ts';

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

/** Creates one record, or finds the one that an earlier request with the same key created. */
export async function createRecord<T extends RecordDocument>(
  ctx: Context,
  { entity, service }: { entity: Entity<T>; service: RecordService<T> },
  caller: Caller,
  input: unknown,
  idempotency: IdempotencyRequest | undefined,
): Promise<Created<T>> {
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
