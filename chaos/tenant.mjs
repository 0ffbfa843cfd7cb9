import { call } from './http.mjs';

const timeoutMs = 15_000;
const events = [
  'lead.created',
  'lead.updated',
  'contact.created',
  'contact.updated',
  'task.created',
  'task.completed',
];
const scopes = [
  'lead.read',
  'lead.write',
  'contact.read',
  'contact.write',
  'task.read',
  'task.write',
  'message.send',
  'webhook.manage',
  'metadata.read',
  'team.read',
];

/** A workspace with a key, two subscriptions and providers, all made as an integrator makes them. */
export async function createTenant(origin, subscriber) {
  const request = async (method, path, headers, body) => {
    const answer = await call(origin, { method, path, headers, body, timeoutMs });
    if (answer.status >= 300)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const { user, workspace, token } = await request(
    'POST',
    '/api/register',
    {},
    {
      workspaceName: 'Chaos',
      name: 'Chaos',
      email: 'chaos@example.com',
      password: 'a password that nobody guesses',
    },
  );
  const { workspaceId } = workspace;
  const session = { Authorization: `Bearer ${token}` };
  const portal = `/api/workspaces/${workspaceId}`;
  const key = await request('POST', `${portal}/developer/api-keys`, session, { name: 'Chaos', scopes });
  const { apiKey } = key.data;
  await request('PUT', `${portal}/message-providers/sms`, session, {
    accountSid: `AC${'0'.repeat(32)}`,
    authToken: 'a-token',
    from: '+15005550006',
  });
  await request('PUT', `${portal}/message-providers/whatsapp`, session, {
    phoneNumberId: '100000000000001',
    accessToken: 'a-token',
    appSecret: 'a-secret',
    verifyToken: 'a-verify-token',
  });
  for (const [name, endpoint] of Object.entries(subscriber.endpoints)) {
    const subscription = { name, url: subscriber.urlOf(name), events };
    const { data } = await request(
      'POST',
      `/api/v1/workspaces/${workspaceId}/webhooks`,
      { 'X-API-Key': apiKey },
      subscription,
    );
    endpoint.secret = data.secret;
  }
  return { workspaceId, apiKey, userId: user.id };
}
