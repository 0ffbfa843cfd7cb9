import type { Routes } from '../../http.ts';
import { requireId } from '../../lib/ids.ts';
import { actionSuccess, done, envelope, idParams, workspaceParams } from '../../lib/schemas.ts';
import { inviteAgain, inviteMember } from './invitations.ts';
import { presentInvitable, presentInvited, presentMember, presentTeam } from './present.ts';
import {
  invited,
  member,
  memberInput,
  memberList,
  memberOut,
  memberPage,
  memberPageQuery,
  memberUpdate,
} from './schema.ts';
import { getMember, listMembers, listMembersByPage, removeMember, updateMember } from './service.ts';

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

const portalPath = '/api/workspaces/:workspaceId/members';

/** The team by session: everyone sees it, admins change it. */
export const memberRoutes: Routes = async (app, { ctx }) => {
  app.get(
    portalPath,
    {
      config: { access: 'team.read' },
      schema: {
        operationId: 'listMembers',
        summary: 'List the members of the workspace, in the order of joining',
        tags,
        params: workspaceParams,
        querystring: memberPageQuery,
        response: { 200: memberPage },
      },
    },
    async ({ workspace, query }) => {
      const { page, nextCursor } = await listMembersByPage(ctx, workspace._id, query);
      return { success: true as const, count: page.length, data: page.map(presentInvitable), nextCursor };
    },
  );

  app.post(
    portalPath,
    {
      config: { access: 'member.manage' },
      schema: {
        operationId: 'createMember',
        summary: 'Invite a person to the team; records can be assigned to them at once',
        tags,
        params: workspaceParams,
        body: memberInput,
        response: { 201: invited },
      },
    },
    async ({ workspace, body: { name, email, role, phone } }, reply) => {
      const invitation = await inviteMember(ctx, workspace._id, { name, email, role, phone });
      reply.code(201);
      return presentInvited(invitation);
    },
  );

  app.post(
    `${portalPath}/:memberId/invitation`,
    {
      config: { access: 'member.manage' },
      schema: {
        operationId: 'resendInvitation',
        summary: 'Invite a member again who has not come yet; the earlier invitation is void',
        tags,
        params: idParams('memberId'),
        response: { 200: invited },
      },
    },
    async ({ workspace, params }) => {
      const userId = requireId(params.memberId, 'Member');
      return presentInvited(await inviteAgain(ctx, workspace._id, userId));
    },
  );

  app.put(
    `${portalPath}/:memberId`,
    {
      config: { access: 'member.manage' },
      schema: {
        operationId: 'updateMember',
        summary: "Change a member's role, name or phone; given ones change, the others stay",
        tags,
        params: idParams('memberId'),
        body: memberUpdate,
        response: { 200: member },
      },
    },
    async ({ workspace, params, body }) => {
      const userId = requireId(params.memberId, 'Member');
      const changed = await updateMember(ctx, workspace._id, userId, body);
      return { success: true as const, data: presentInvitable(changed) };
    },
  );

  app.delete(
    `${portalPath}/:memberId`,
    {
      config: { access: 'member.manage' },
      schema: {
        operationId: 'removeMember',
        summary: 'Remove a member, or withdraw an invitation; they are out at once',
        tags,
        params: idParams('memberId'),
        response: { 200: actionSuccess },
      },
    },
    async ({ workspace, params }) => {
      await removeMember(ctx, workspace._id, requireId(params.memberId, 'Member'));
      return done('Member removed');
    },
  );
};
