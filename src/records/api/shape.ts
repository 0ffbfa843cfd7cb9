import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { type ObjectId, requireId } from '../../lib/ids.ts';
import { envelope, idParams, pageOf } from '../../lib/schemas.ts';
import type { Right, Scope } from '../../tenancy/actor.ts';
import type { Module } from '../../tenancy/workspaces/model.ts';
import type { DeclaredEntity } from '../entity/entity.ts';
import type { EntityTypes } from '../entity/types.ts';
import type { Page } from '../page.ts';
import type { Caller, RecordService } from './service.ts';

/** What the routes of one entity have in common, worked out once. */
export interface Shape<X extends EntityTypes> {
  service: RecordService<X>;
  entity: DeclaredEntity<X>;
  idPath: string;
  singular: string;
  plural: string;
  tags: string[];
  readable: { access: Scope; module: Module; readsOnly: true };
  writable: { access: Scope; module: Module; right?: Right };
  one: z.ZodType;
  many: z.ZodType;
  recordParams: z.ZodType;
  idOf(request: FastifyRequest): ObjectId;
  present(record: X['document']): { success: true; data: X['out'] };
  presentPage(page: Page<X['document']>): { success: true; data: X['out'][]; nextCursor: string | null };
}

export function shapeOf<X extends EntityTypes>(service: RecordService<X>): Shape<X> {
  const { entity } = service;
  const { path, idParam, names, module, scopes, right, schemas } = entity;
  const [singular, plural] = names;
  return {
    service,
    entity,
    idPath: `${path}/:${idParam}`,
    singular,
    plural,
    tags: [plural],
    readable: { access: scopes.read, module, readsOnly: true },
    writable: { access: scopes.write, module, ...(right ? { right } : {}) },
    one: envelope(schemas.out),
    many: pageOf(schemas.out),
    recordParams: idParams(idParam),
    idOf: ({ params }) => requireId((params as Record<string, string>)[idParam] ?? '', entity.label),
    present: (record) => ({ success: true, data: entity.present(record) }),
    presentPage: ({ records, nextCursor }) => ({
      success: true,
      data: records.map((record) => entity.present(record)),
      nextCursor,
    }),
  };
}

/** What the schema that checked it makes of a body or query; the type that one function for all entities loses. */
export const checkedBy = <T>(_schema: z.ZodType<T>, value: unknown): T => value as T;

export const callerOf = ({ actor, workspace }: FastifyRequest): Caller => ({ actor, workspace });

/** 201, and whether this is the answer to an earlier request. */
export function answerCreated(reply: FastifyReply, isReplay: boolean): void {
  reply.code(201);
  if (isReplay) reply.header('Idempotency-Replayed', 'true');
}
