import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Context } from '../context.ts';
import type { Access } from '../http.ts';
import { AppError } from '../lib/errors.ts';
import { parseId } from '../lib/ids.ts';
import { findMember } from '../tenancy/members/service.ts';
import { findWorkspace } from '../tenancy/workspaces/service.ts';

/**
 * Holds the caller against the workspace in the path and against what the route declares: another workspace's id, a
 * missing scope or role, OAuth enforcement and a module that is off all end here with 403.
 */
export const workspacePlugin = fp<{ ctx: Context }>(
  async (app, { ctx }) => {
    // biome-ignore lint/suspicious/noExplicitAny: set by the hook below on every route that may read it
    app.decorateRequest('workspace', null as any);

    app.addHook('onRoute', (route) => {
      const access = route.config?.access;
      if (!access || !route.url.includes('/:workspaceId')) return;
      if (access === 'public' || access === 'adapter') return;
      const check =
        access === 'session' || access === 'admin'
          ? (request: FastifyRequest) => enterAsPerson(ctx, request, access)
          : (request: FastifyRequest) => enterAsClient(ctx, request, access);
      const { module } = route.config ?? {};
      route.onRequest = [
        ...[route.onRequest ?? []].flat(),
        async (request) => {
          await check(request);
          if (module && !request.workspace.modules.includes(module)) throw new AppError('module_disabled');
        },
      ];
    });
  },
  { name: 'workspace', dependencies: ['auth', 'rate-limit'] },
);

const otherWorkspace = () =>
  new AppError('forbidden', { message: 'The credential belongs to another workspace' });

async function enterAsClient(ctx: Context, request: FastifyRequest, access: Access): Promise<void> {
  const { actor } = request;
  const { workspaceId } = request.params as { workspaceId: string };
  if (workspaceId.toLowerCase() !== actor.workspaceId.toHexString()) throw otherWorkspace();
  const workspace = await findWorkspace(ctx, actor.workspaceId);
  if (!workspace) throw otherWorkspace();
  if (workspace.isOauthEnforced && actor.kind === 'apiKey') {
    throw new AppError('forbidden', { message: 'This workspace enforces OAuth 2.0; use a bearer token' });
  }
  if (access !== 'credential' && !actor.scopes.has(access)) {
    throw new AppError('insufficient_scope', { message: `This operation needs the scope ${access}` });
  }
  request.workspace = workspace;
}

async function enterAsPerson(ctx: Context, request: FastifyRequest, access: Access): Promise<void> {
  const userId = request.session?.userId;
  const workspaceId = parseId((request.params as { workspaceId: string }).workspaceId);
  const member = userId && workspaceId && (await findMember(ctx, workspaceId, userId));
  const workspace = member && (await findWorkspace(ctx, workspaceId));
  if (!workspace) throw new AppError('forbidden', { message: 'You are not a member of this workspace' });
  if (access === 'admin' && member.role !== 'admin') {
    throw new AppError('forbidden', { message: 'This needs the role admin' });
  }
  request.workspace = workspace;
  request.actor = {
    kind: 'session',
    id: userId.toHexString(),
    workspaceId: workspace._id,
    scopes: new Set(),
    limits: ctx.config.rateLimit,
  };
}
