import { randomBytes } from 'node:crypto';
import type { Role } from '../../src/tenancy/actor.ts';
import { type Api, apiOf, scopes, type TestServer, workspacePath } from './app.ts';

/** A person who is signed in. */
export interface Account {
  userId: string;
  workspaceId: string;
  name: string;
  email: string;
  password: string;
  token: string;
  /** Requests with the session token; paths are below the workspace: `portal.get('/settings')`. */
  portal: Api;
}

export const portalPath = (workspaceId: string): string => `/api/workspaces/${workspaceId}`;

/** Requests without any credential, to whole paths. */
export const anonymous = (server: TestServer): Api => apiOf(server, '', {});

export const bearer = (token: string): { Authorization: string } => ({ Authorization: `Bearer ${token}` });

/** An address that no other call returns. */
export const buildEmail = (): string => `person.${randomBytes(6).toString('hex')}@example.com`;

export const buildRegistration = (overrides: Record<string, unknown> = {}) => ({
  workspaceName: 'Lakeside Homes',
  name: 'Asha Admin',
  email: buildEmail(),
  password: 'correct horse battery',
  ...overrides,
});

/** Someone with a workspace of their own, whose admin they are. */
export async function buildAccount(server: TestServer): Promise<Account> {
  const registration = buildRegistration();
  const { body, status } = await anonymous(server).post('/api/register').send(registration);
  if (status !== 201) throw new Error(`register answered ${status}: ${JSON.stringify(body)}`);
  return toAccount(server, registration, body.user.id, body.workspace.workspaceId, body.token);
}

/** Invites somebody and returns the token, which without a mail server comes with the answer. */
export async function inviteTo(admin: Account, member: Record<string, unknown>): Promise<string> {
  const { body, status } = await admin.portal.post('/members').send(member);
  if (status !== 201) throw new Error(`members answered ${status}: ${JSON.stringify(body)}`);
  return body.invitation.token;
}

/** A further member of the admin's workspace, who accepted the invitation and is signed in. */
export async function buildColleague(server: TestServer, admin: Account, role: Role): Promise<Account> {
  const { name, email, password } = buildRegistration({ name: 'Chitra Colleague' });
  const invitation = await inviteTo(admin, { name, email, role });
  const { body, status } = await anonymous(server)
    .post('/api/invitations/accept')
    .send({ token: invitation, password });
  if (status !== 200) throw new Error(`accept answered ${status}: ${JSON.stringify(body)}`);
  return toAccount(server, { name, email, password }, body.user.id, admin.workspaceId, body.token);
}

function toAccount(
  server: TestServer,
  { name, email, password }: { name: string; email: string; password: string },
  userId: string,
  workspaceId: string,
  token: string,
): Account {
  const portal = apiOf(server, portalPath(workspaceId), bearer(token));
  return { userId, workspaceId, name, email, password, token, portal };
}

export interface PortalKey {
  id: string;
  apiKey: string;
  clientId: string;
  clientSecret: string;
}

/** A key made in the Developer Portal; with every scope unless said otherwise. */
export async function buildPortalKey(
  account: Account,
  input: Record<string, unknown> = {},
): Promise<PortalKey> {
  const { body, status } = await account.portal
    .post('/developer/api-keys')
    .send({ name: 'Integration', scopes, ...input });
  if (status !== 201) throw new Error(`api-keys answered ${status}: ${JSON.stringify(body)}`);
  const { _id: id, apiKey, clientId, clientSecret } = body.data;
  return { id, apiKey, clientId, clientSecret };
}

/** Requests to the public API of a workspace with a key or an access token. */
export const withKey = (server: TestServer, workspaceId: string, apiKey: string): Api =>
  apiOf(server, workspacePath(workspaceId), { 'X-API-Key': apiKey });
export const withToken = (server: TestServer, workspaceId: string, token: string): Api =>
  apiOf(server, workspacePath(workspaceId), bearer(token));
