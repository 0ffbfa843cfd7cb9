import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Scope } from '../../access/scopes.ts';
import { type ObjectId, requireId } from '../../lib/ids.ts';
import { envelope, idParams, pageOf } from '../../lib/schemas.ts';
import type { Module } from '../../tenancy/workspaces/model.ts';
import type { Page } from '../page.ts';
import type { Entity, RecordDocument } from '../record.ts';
import type { Caller, RecordService } from './service.ts';

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

/** What the routes of one entity have in common, derived once from their data. */
export interface Shape<T extends RecordDocument> extends RecordRoutes<T> {
  idPath: string;
  tags: string[];
  readable: { access: Scope; module: Module };
  writable: { access: Scope; module: Module };
  one: z.ZodType;
  many: z.ZodType;
  recordParams: z.ZodType;
  idOf(request: FastifyRequest): ObjectId;
  present(record: T): { success: true; data: Record<string, unknown> };
  presentPage(page: Page<T>): { success: true; data: Record<string, unknown>[]; nextCursor: string | null };
}

export function shapeOf<T extends RecordDocument>(routes: RecordRoutes<T>): Shape<T> {
  const { entity, path, idParam, names, module, scopes, schemas } = routes;
  return {
    ...routes,
    idPath: `${path}/:${idParam}`,
    tags: [names[1]],
    readable: { access: scopes.read, module },
    writable: { access: scopes.write, module },
    one: envelope(schemas.out),
    many: pageOf(schemas.out),
    recordParams: idParams(idParam),
    idOf: (request) => requireId((request.params as Record<string, string>)[idParam] ?? '', entity.label),
    present: (record) => ({ success: true, data: entity.present(record) }),
    presentPage: ({ records, nextCursor }) => ({
      success: true,
      data: records.map((record) => entity.present(record)),
      nextCursor,
    }),
  };
}

export const callerOf = ({ actor, workspace }: FastifyRequest): Caller => ({ actor, workspace });

/** 201, and whether this is the answer to an earlier request. */
export function answerCreated(reply: FastifyReply, isReplay: boolean): void {
  reply.code(201);
  if (isReplay) reply.header('Idempotency-Replayed', 'true');
}
