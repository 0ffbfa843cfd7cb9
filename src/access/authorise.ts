import type { FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { AppError } from '../lib/errors.ts';
import { parseId } from '../lib/ids.ts';
import type { Session } from '../tenancy/accounts/model.ts';
import type { Actor, Right } from '../tenancy/actor.ts';
import type { Member } from '../tenancy/members/model.ts';
import { findFirstMembership, findMembership } from '../tenancy/members/service.ts';
import type { Module, Workspace } from '../tenancy/workspaces/model.ts';
import { hasModule } from '../tenancy/workspaces/modules.ts';
import { findWorkspace } from '../tenancy/workspaces/service.ts';
import type { Contract, Identity } from './contract.ts';
import { namedWorkspaces } from './named-workspace.ts';
import { type Grant, leastRole } from './roles.ts';

/** What a route demands, besides that the caller belongs to the workspace. */
export interface Demand {
  grant: Grant;
  right: Right | undefined;
  module: Module | undefined;
  /** The scope is demanded only of keys that have one of its family. */
  isScopeOptional: boolean;
}

/**
 * Lets the caller into the workspace that the request is about, as its actor. @throws AppError forbidden for another's
 * workspace, a missing scope or role, OAuth enforcement and a module that is off
 */
export async function authorise(
  ctx: Context,
  contract: Contract,
  demand: Demand,
  { session, actor: key }: Identity,
  request: FastifyRequest,
): Promise<void> {
  const named = namedIn(contract, request);
  if (key) assertOwn(key, named);
  const actor = key ?? (await enterAsPerson(ctx, contract, session, named));
  const workspace = await findWorkspace(ctx, actor.workspaceId);
  if (!workspace) throw otherWorkspace();
  if (actor.kind === 'session') assertRole(actor, demand);
  else assertScope(contract, demand, actor, workspace);
  if (demand.module && !hasModule(workspace, demand.module)) throw new AppError('module_disabled');
  request.actor = { ...actor, contract: contract.api ?? contract.name };
  request.workspace = workspace;
}

function namedIn({ workspaceIn }: Contract, request: FastifyRequest): (string | undefined)[] {
  if (workspaceIn === 'credential') return [];
  if (workspaceIn === 'request') return namedWorkspaces(request);
  return [(request.params as { workspaceId?: string }).workspaceId];
}

/** @throws AppError forbidden for a key that asks for another workspace than its own */
export function assertOwn({ workspaceId }: Pick<Actor, 'workspaceId'>, named: (string | undefined)[]): void {
  const own = workspaceId.toHexString();
  if (named.some((one) => one?.toLowerCase() !== own)) throw otherWorkspace();
}

const otherWorkspace = () =>
  new AppError('forbidden', { message: 'The credential belongs to another workspace' });

/** The actors that members are. They live as long as the member does in the cache, and change with it. */
const actors = new WeakMap<Member, Actor>();

async function enterAsPerson(
  ctx: Context,
  { workspaceIn }: Contract,
  session: Session,
  named: (string | undefined)[],
): Promise<Actor> {
  const found =
    workspaceIn === 'request' && named.length === 0
      ? [await findFirstMembership(ctx, session.userId)]
      : await Promise.all(named.map((one) => membershipIn(ctx, one, session)));
  const [member] = found;
  if (!member || found.includes(undefined))
    throw new AppError('forbidden', { message: 'You are not a member of this workspace' });
  let actor = actors.get(member);
  if (!actor) {
    actor = {
      kind: 'session',
      id: member.userId.toHexString(),
      userId: member.userId.toHexString(),
      workspaceId: member.workspaceId,
      scopes: ctx.grantsOfRole[member.role],
      limits: ctx.config.rateLimit,
    };
    actors.set(member, actor);
  }
  return actor;
}

async function membershipIn(
  ctx: Context,
  workspaceId: string | undefined,
  { userId }: Session,
): Promise<Member | undefined> {
  const id = parseId(workspaceId);
  return id && findMembership(ctx, id, userId);
}

function assertRole(actor: Actor, { grant, right }: Demand): void {
  const missing = [grant, right].find((one) => one !== undefined && !actor.scopes.has(one));
  if (missing === undefined) return;
  throw new AppError('forbidden', { message: `This needs the role ${leastRole(missing)}` });
}

function assertScope(contract: Contract, demand: Demand, actor: Actor, workspace: Workspace): void {
  if (workspace.isOauthEnforced && actor.kind === 'apiKey') {
    throw new AppError('forbidden', { message: contract.words.oauthEnforced });
  }
  const { grant, isScopeOptional } = demand;
  if (actor.scopes.has(grant) || (isScopeOptional && !hasScopeLike(actor, grant))) return;
  throw new AppError('insufficient_scope', { message: contract.words.lacks(grant) });
}

/** Whether the key was made with scopes of this family in mind: of `message.send` that is `message.read` too. */
const hasScopeLike = (actor: Actor, grant: string): boolean => {
  const family = grant.slice(0, grant.indexOf('.') + 1);
  return [...actor.scopes].some((scope) => scope.startsWith(family));
};
