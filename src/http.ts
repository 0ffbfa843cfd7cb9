import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Contract } from './access/contract.ts';
import type { Context } from './context.ts';
import type { AppError } from './lib/errors.ts';
import type { IfMatch } from './lib/etag.ts';
import type { Json } from './openapi/convert.ts';
import type { IdempotencyRequest } from './records/idempotency.ts';
import type { Session } from './tenancy/accounts/model.ts';
import type { Actor } from './tenancy/actor.ts';
import type { Module, Workspace } from './tenancy/workspaces/model.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The workspace's module that has to be on. */
    module?: Module;
    /** Status of an answer to invalid input where the contract documents another one than 422. */
    invalidStatus?: 400;
    /** The POST creates a record and takes an Idempotency-Key. */
    idempotent?: boolean;
    /** Answers one record as `data`: gets an ETag, If-None-Match on GET, If-Match on PUT and PATCH. */
    etag?: boolean;
  }
  interface FastifyRequest {
    actor: Actor;
    /** Why there are too many of its caller's, or nothing, once that is known; set where a caller is counted. */
    refusal: Promise<AppError | undefined> | undefined;
    /** Set on routes for signed-in people. */
    session: Session | undefined;
    /** Set on every route below a workspace. */
    workspace: Workspace;
    idempotency: IdempotencyRequest | undefined;
    ifMatch: IfMatch | undefined;
    /** Length of a JSON body as received. */
    bodyBytes: number;
  }
}

/** A feature's routes: a Fastify plugin that gets the context. */
export type Routes = FastifyPluginAsyncZod<{ ctx: Context }>;

/** A foreign contract: who its callers are, its routes at the paths that its document has, and its API document. */
export interface Adapter extends Contract {
  /** In one word: its routes are below `/<api>`, its document is `<api>.json`. */
  api: string;
  /** Whether its routes are at the root as well. */
  isAtRoot?: boolean;
  /** Whether any page in a browser may ask it, without cookies, whatever origins the operator has named. */
  isOpenToBrowsers?: boolean;
  /** The API document before its routes are added. @param url where its routes are */
  document(url: string): Json;
  routes: Routes;
}
