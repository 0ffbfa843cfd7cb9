import { z } from 'zod';
import type { Context } from '../../context.ts';
import { countAssignments } from '../../features/data/assignments.ts';
import type { Routes } from '../../http.ts';
import { notFound } from '../../lib/errors.ts';
import { filterText } from '../../lib/schemas.ts';
import { toUuid } from '../../lib/uuid.ts';
import { lastSignIns } from '../../tenancy/accounts/sessions.ts';
import { type Role, roles } from '../../tenancy/actor.ts';
import type { Member } from '../../tenancy/members/model.ts';
import { findMember, listMembers } from '../../tenancy/members/service.ts';
import {
  dataOf,
  errorOut,
  failures,
  found,
  idParams,
  listOf,
  optional,
  requireUuid,
  timeOut,
  uuidOut,
  workspaceGiven,
} from './schema.ts';

const tags = ['Agents'];
const config = {
  access: 'automate8:workspace_members:read',
  module: 'team',
  perAddress: { routes: 'agents', perMinute: 100 },
} as const;

/** Nobody is inactive: who is out of the team is gone. */
const statuses = ['active', 'inactive', 'pending'] as const;

const agentQuery = z.object({
  role: optional(z.enum(roles)),
  status: optional(z.enum(statuses)),
  search: optional(filterText).describe('Part of the name or address, in any case'),
  include_assignments: optional(
    z
      .enum(['true', 'false'])
      .transform((text) => text === 'true')
      .meta({ type: 'boolean' }),
  ).describe('true unless it is given'),
  workspace_id: optional(workspaceGiven),
});

const agentOut = z
  .object({
    id: uuidOut,
    name: z.string(),
    email: z.string(),
    role: z.enum(roles),
    status: z.enum(statuses),
    avatar: z.string().nullable(),
    active_assignments: z.int().optional().describe('Open opportunities, live leads, open tasks'),
    joined_at: timeOut,
    last_active: timeOut.nullable().describe('The last sign-in'),
  })
  .meta({ id: 'Agent' });

const statsOut = z
  .object({
    total_agents: z.int(),
    active_agents: z.int(),
    by_role: z.object({ admin: z.int(), manager: z.int(), agent: z.int(), viewer: z.int() }),
    assignment_distribution: z.array(
      z.object({ agent_id: uuidOut, agent_name: z.string(), assignment_count: z.int() }),
    ),
  })
  .meta({ id: 'AgentStatistics' });

export const agentRoutes: Routes = async (app, { ctx }) => {
  app.get(
    '/api/agents',
    {
      config,
      schema: {
        operationId: 'listAgents',
        summary: 'List the team in the order of joining',
        tags,
        querystring: agentQuery,
        response: { 200: listOf(agentOut), ...failures },
      },
    },
    async ({ workspace, query }) => {
      const { role, status, search = '', include_assignments: isCounted = true } = query;
      const text = search.toLowerCase();
      const chosen = (await listMembers(ctx, workspace._id))
        .filter((member) => role === undefined || member.role === role)
        .filter((member) => status === undefined || statusOf(member) === status)
        .filter(({ name, email }) => `${name}\n${email}`.toLowerCase().includes(text));
      return found(await present(ctx, chosen, isCounted));
    },
  );

  app.get(
    '/api/agents/stats',
    {
      config,
      schema: {
        operationId: 'getAgentStatistics',
        summary: 'Who there is, and how much each has in hand, most first',
        tags,
        querystring: z.object({ workspace_id: optional(workspaceGiven) }),
        response: { 200: dataOf(statsOut), ...failures },
      },
    },
    async ({ workspace }) => {
      const members = await listMembers(ctx, workspace._id);
      const counts = await inTurns(members, (member) => countAssignments(ctx, workspace._id, member.userId));
      const rows = members.map((member, index) => ({
        agent_id: toUuid(member.userId),
        agent_name: member.name,
        assignment_count: counts[index] ?? 0,
      }));
      const having = (role: Role) => members.filter((member) => member.role === role).length;
      return found({
        total_agents: members.length,
        active_agents: members.filter((member) => statusOf(member) === 'active').length,
        by_role: {
          admin: having('admin'),
          manager: having('manager'),
          agent: having('agent'),
          viewer: having('viewer'),
        },
        assignment_distribution: rows.toSorted((one, other) => other.assignment_count - one.assignment_count),
      });
    },
  );

  app.get(
    '/api/agents/:id',
    {
      config,
      schema: {
        operationId: 'getAgent',
        summary: 'Get a member of the team',
        tags,
        params: idParams,
        response: { 200: dataOf(agentOut), ...failures, 404: errorOut },
      },
    },
    async ({ workspace, params }) => {
      const member = await findMember(ctx, workspace._id, requireUuid(params.id, 'Agent'));
      const [agent] = member ? await present(ctx, [member], true) : [];
      if (!agent) throw notFound('Agent');
      return found(agent);
    },
  );
};

const statusOf = ({ accountId }: Member): (typeof statuses)[number] => (accountId ? 'active' : 'pending');

async function present(
  ctx: Context,
  members: Member[],
  isCounted: boolean,
): Promise<z.output<typeof agentOut>[]> {
  const signIns = await lastSignIns(
    ctx,
    members.flatMap(({ accountId }) => accountId ?? []),
  );
  return inTurns(members, async (member) => ({
    id: toUuid(member.userId),
    name: member.name,
    email: member.email,
    role: member.role,
    status: statusOf(member),
    avatar: null,
    ...(isCounted
      ? { active_assignments: await countAssignments(ctx, member.workspaceId, member.userId) }
      : {}),
    joined_at: member.createdAt.toISOString(),
    last_active: (member.accountId && signIns.get(member.accountId.toHexString())?.toISOString()) ?? null,
  }));
}

/** So many members are looked at together: a large team holds up nobody else. */
const togetherMax = 10;

async function inTurns<T>(members: Member[], look: (member: Member) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let from = 0; from < members.length; from += togetherMax) {
    results.push(...(await Promise.all(members.slice(from, from + togetherMax).map(look))));
  }
  return results;
}
