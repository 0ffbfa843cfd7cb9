import type { Context } from '../../context.ts';
import { notFound } from '../../lib/errors.ts';
import type { IfMatch } from '../../lib/etag.ts';
import type { ObjectId } from '../../lib/ids.ts';
import type { Actor, Author } from '../../tenancy/actor.ts';
import type { Workspace } from '../../tenancy/workspaces/model.ts';
import type { Change } from '../change.ts';
import type { DeclaredEntity } from '../entity/entity.ts';
import { assertRestated, type Body, changeFields, prepareFields } from '../entity/given.ts';
import type { References } from '../entity/references.ts';
import type { EntityTypes } from '../entity/types.ts';
import { type Created, createOnce, type IdempotencyRequest } from '../idempotency.ts';
import { insertRecord } from '../insert.ts';
import type { Managed } from '../record.ts';
import { duplicateError } from '../unique.ts';
import { archiveRecord, type Revision, updateRecord } from '../update.ts';

/** Who asks, and in which workspace. */
export interface Caller {
  actor: Actor;
  workspace: Workspace;
  /** What the drafts refer to, where it was read for many at once. */
  references?: References;
}

export interface UpdateRequest {
  ifMatch: IfMatch | undefined;
  /** PATCH: null clears and nested objects merge. */
  isMergePatch: boolean;
}

type OrPromise<T> = T | Promise<T>;

/** The fields of a new record that are the entity's own. */
export type New<T> = Omit<T, Managed>;

/** What an entity decides beyond its declaration; most decide nothing. */
export interface Rules<X extends EntityTypes> {
  /** Makes the entity's fields of a body, where the two are not the same. */
  unpack?(body: X['draft'] | X['patch']): Body;
  /** What a new record has besides what was given. @throws AppError */
  complete?(ctx: Context, caller: Caller, fields: New<X['document']>): OrPromise<Partial<New<X['document']>>>;
  /** What else a change does. @throws AppError */
  revise?(ctx: Context, change: Required<Change>, body: X['patch'], caller: Caller): Revision<X['document']>;
  /** What has to follow a create; runs again for a retried one. */
  afterCreate?(ctx: Context, author: Author, record: X['document']): Promise<void>;
}

/** The life of an entity's records, as routes and other features call it. */
export interface RecordService<X extends EntityTypes> {
  entity: DeclaredEntity<X>;
  /** Checks a draft against the workspace and makes the record's fields of it. @throws AppError invalid */
  prepare(ctx: Context, caller: Caller, draft: X['draft']): Promise<New<X['document']>>;
  /** Creates a record, or answers with the one that an earlier request with the same key created. @throws AppError */
  create(
    ctx: Context,
    caller: Caller,
    draft: X['draft'],
    idempotency?: IdempotencyRequest,
  ): Promise<Created<X['document']>>;
  /** Changes a record as PUT and PATCH do. @throws AppError */
  update(
    ctx: Context,
    caller: Caller,
    id: ObjectId,
    body: X['patch'],
    request: UpdateRequest,
  ): Promise<X['document']>;
  /** Archives a record; archiving it again changes nothing. @throws AppError not_found */
  archive(ctx: Context, caller: Caller, id: ObjectId): Promise<X['document']>;
  find(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<X['document'] | null>;
  /** @throws AppError not_found */
  get(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<X['document']>;
  afterCreate(ctx: Context, author: Author, record: X['document']): Promise<void>;
}

/** The service of an entity: what all have in common, with the rules of this one. */
export function recordService<X extends EntityTypes>(
  entity: DeclaredEntity<X>,
  rules: Rules<X> = {},
): RecordService<X> {
  type T = X['document'];
  const { unpack = (body) => body } = rules;
  const collection = (ctx: Context) => entity.collection(ctx.db);

  const service: RecordService<X> = {
    entity,
    async prepare(ctx, caller, draft) {
      const { workspace, references } = caller;
      const fields = await prepareFields(ctx, entity, workspace, unpack(draft), references);
      return { ...fields, ...(await rules.complete?.(ctx, caller, fields)) };
    },
    async create(ctx, caller, draft, idempotency) {
      const workspaceId = caller.workspace._id;
      const created = await createOnce<T>(ctx, entity, workspaceId, idempotency, async () => {
        const fields = await service.prepare(ctx, caller, draft);
        return insertRecord<T>(ctx, entity, caller.actor, fields, {
          idempotency,
          onDuplicate: (broken) => duplicateError(ctx, entity, workspaceId, broken, fields),
        });
      });
      await service.afterCreate(ctx, caller.actor, created.record);
      return created;
    },
    async update(ctx, caller, id, body, request) {
      const { actor, workspace } = caller;
      const { ifMatch, isMergePatch } = request;
      const { change, restated } = await changeFields(ctx, entity, workspace, unpack(body), isMergePatch);
      const revision = rules.revise?.(ctx, change, body, caller) ?? change;
      const revise = (current: T) => {
        assertRestated(entity, current, restated);
        return typeof revision === 'function' ? revision(current) : revision;
      };
      return updateRecord<T>(ctx, entity, actor, id, revise, {
        ifMatch,
        onDuplicate: (broken) => duplicateError(ctx, entity, workspace._id, broken, change.set),
      });
    },
    archive: (ctx, { actor }, id) => archiveRecord<T>(ctx, entity, actor, id),
    find: (ctx, workspaceId, id) => collection(ctx).findById(workspaceId, id),
    async get(ctx, workspaceId, id) {
      const record = await service.find(ctx, workspaceId, id);
      if (!record) throw notFound(entity.label);
      return record;
    },
    async afterCreate(ctx, author, record) {
      await rules.afterCreate?.(ctx, author, record);
    },
  };
  return service;
}
