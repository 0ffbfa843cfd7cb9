import { describe, expect, it } from 'vitest';
import { type Account, anonymous, bearer, buildAccount, portalPath } from '../helpers/accounts.ts';
import { useServer } from '../helpers/app.ts';

const application = 'https://app.example.com';
const server = useServer({ corsOrigins: [application], publicUrl: 'https://crm.example.com' });

const own = { Host: 'crm.internal:5010' };
const rename = ({ workspaceId }: Account, headers: Record<string, string>) =>
  anonymous(server)
    .put(`${portalPath(workspaceId)}/settings`)
    .set({ ...own, ...headers })
    .send({ workspaceName: 'Renamed' });

describe('a change that is authenticated by cookie', () => {
  it.each([
    ['the host itself', { Origin: 'http://crm.internal:5010' }],
    [
      'the host itself, by both headers',
      { Origin: 'http://crm.internal:5010', 'Sec-Fetch-Site': 'same-origin' },
    ],
    ['the public address', { Origin: 'https://crm.example.com' }],
    ['an application that CORS_ORIGINS names', { Origin: application, 'Sec-Fetch-Site': 'cross-site' }],
    ['an address that a person typed', { 'Sec-Fetch-Site': 'none' }],
    ['a script with a cookie jar', {}],
  ])('passes from %s', async (_, headers) => {
    const account = await buildAccount(server);
    const answer = await rename(account, { Cookie: `session=${account.token}`, ...headers });
    expect(answer.status).toBe(200);
  });

  it.each([
    ['another site', { Origin: 'https://evil.example' }],
    ['another port', { Origin: 'http://crm.internal:5011' }],
    [
      'another name below the same domain',
      { Origin: 'https://blog.example.com', 'Sec-Fetch-Site': 'same-site' },
    ],
    ['another site that hides its name', { Origin: 'null' }],
    ['nonsense', { Origin: 'crm.internal:5010' }],
    ['another site, by Sec-Fetch-Site alone', { 'Sec-Fetch-Site': 'cross-site' }],
  ])('is refused from %s', async (_, headers) => {
    const account = await buildAccount(server);
    const answer = await rename(account, { Cookie: `session=${account.token}`, ...headers });
    expect(answer.status).toBe(403);
    expect(answer.body).toEqual({ success: false, error: 'The request comes from another site' });
    const { body } = await account.portal.get('/settings');
    expect(body.data.workspaceName).toBe('Lakeside Homes');
  });
});

it('reading by cookie, and a token, pass from anywhere', async () => {
  const account = await buildAccount(server);
  const foreign = { ...own, Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };
  const read = await anonymous(server)
    .get(`${portalPath(account.workspaceId)}/settings`)
    .set({ ...foreign, Cookie: `session=${account.token}` });
  expect(read.status).toBe(200);
  expect((await rename(account, { ...foreign, ...bearer(account.token) })).status).toBe(200);
});
