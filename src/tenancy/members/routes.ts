import type { Routes } from '../../http.ts';
import { requireId } from '../../lib/ids.ts';
import { envelope, idParams, workspaceParams } from '../../lib/schemas.ts';
import { presentMember, presentTeam } from './present.ts';
import { memberInput, memberList, memberOut } from './schema.ts';
import { createMember, getMember, listMembers } from './service.ts';

const tags = ['Users'];
const readable = { access: 'team.read', module: 'team' } as const;

/** The team on the public API, which shows it and never changes it. */
export const teamRoutes: Routes = async (app, { ctx }) => {
  app.get(
    '/team',
    {
      config: readable,
      schema: {
        operationId: 'listTeam',
        summary: 'List the team',
        tags,
        params: workspaceParams,
        response: { 200: memberList },
      },
    },
    async ({ workspace }) => presentTeam(await listMembers(ctx, workspace._id)),
  );

  app.get(
    '/users',
    {
      config: readable,
      schema: {
        operationId: 'listUsers',
        summary: 'List the users, who are the team',
        tags,
        params: workspaceParams,
        response: { 200: memberList },
      },
    },
    async ({ workspace }) => presentTeam(await listMembers(ctx, workspace._id)),
  );

  app.get(
    '/users/:userId',
    {
      config: readable,
      schema: {
        operationId: 'getUser',
        summary: 'Get a user',
        tags,
        params: idParams('userId'),
        response: { 200: envelope(memberOut) },
      },
    },
    async ({ workspace, params }) => {
      const member = await getMember(ctx, workspace._id, requireId(params.userId, 'User'));
      return { success: true as const, data: presentMember(member) };
    },
  );
};

/** The team by session: everyone sees it, admins add to it. */
export const memberRoutes: Routes = async (app, { ctx }) => {
  app.get(
    '/api/workspaces/:workspaceId/members',
    {
      config: { access: 'team.read' },
      schema: {
        operationId: 'listMembers',
        summary: 'List the members of the workspace',
        tags,
        params: workspaceParams,
        response: { 200: memberList },
      },
    },
    async ({ workspace }) => presentTeam(await listMembers(ctx, workspace._id)),
  );

  app.post(
    '/api/workspaces/:workspaceId/members',
    {
      config: { access: 'member.manage' },
      schema: {
        operationId: 'createMember',
        summary: 'Add a person to the team',
        tags,
        params: workspaceParams,
        body: memberInput,
        response: { 201: envelope(memberOut) },
      },
    },
    async ({ workspace, body }, reply) => {
      const member = await createMember(ctx, workspace._id, body);
      reply.code(201);
      return { success: true as const, data: presentMember(member) };
    },
  );
};
