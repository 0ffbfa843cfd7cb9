import { describe, expect, it } from 'vitest';
import { anonymous, buildAccount, buildPortalKey } from '../helpers/accounts.ts';
import { buildLead, buildTenant, startServer, useServer, workspacePath } from '../helpers/app.ts';

const server = useServer();

const deleteBody = {
  success: false,
  error: 'DELETE is not supported on the Public API. Records cannot be deleted via this API.',
};
const unknownId = '65b8c47f4e2cfc1df3a75111';

describe('DELETE below /api/v1/workspaces', () => {
  const record = 'GET, HEAD, PATCH, PUT, OPTIONS';

  it.each([
    ['a record', '/leads/65b8c47f4e2cfc1df3a75111', record],
    ['a list', '/leads', 'GET, HEAD, POST, OPTIONS'],
    ['an action', '/leads/65b8c47f4e2cfc1df3a75111/archive', 'POST, OPTIONS'],
    ['the workspace', '', 'GET, HEAD, OPTIONS'],
    ['a path that is also an id', '/leads/sync', record],
    ['an unknown path', '/unheard/of', 'OPTIONS'],
    ['a malformed id', '/leads/$ne', record],
    ['an undecodable id', '/leads/%E0%A4%A', 'OPTIONS'],
    ['a path with a query', '/leads?limit=1', 'GET, HEAD, POST, OPTIONS'],
  ])('answers 405 for %s, with the methods that it has', async (_, path, allow) => {
    const { api, workspaceId } = await buildTenant(server);
    const unauthenticated = anonymous(server).delete(`${workspacePath(workspaceId)}${path}`);
    for (const answer of [await api.delete(path), await unauthenticated]) {
      expect(answer.status).toBe(405);
      expect(answer.body).toEqual(deleteBody);
      expect(answer.headers.allow).toBe(allow);
      expect(answer.headers).toHaveProperty('x-trace-id');
    }
  });

  it.each(['/api/v1/workspaces', '/api/v1/workspaces/', `/api/v1/workspaces/${unknownId}`])(
    'answers 405 for %s',
    async (path) => {
      const answer = await anonymous(server).delete(path);
      expect(answer.status).toBe(405);
      expect(answer.body).toEqual(deleteBody);
    },
  );

  it('comes before the body is looked at', async () => {
    const { api } = await buildTenant(server);
    for (const [type, body] of [
      ['application/json', '{"broken'],
      ['text/plain', 'text'],
    ] as const) {
      const answer = await api.delete(`/leads/${unknownId}`).type(type).send(body);
      expect(answer.status).toBe(405);
    }
  });

  it('deletes nothing', async () => {
    const { api } = await buildTenant(server);
    const { body } = await api.post('/leads').send(buildLead());
    await api.delete(`/leads/${body.data._id}`).expect(405);
    await api.get(`/leads/${body.data._id}`).expect(200);
  });

  it('leaves the Developer Portal alone', async () => {
    const account = await buildAccount(server);
    const { id } = await buildPortalKey(account);
    expect((await account.portal.delete(`/developer/api-keys/${id}`)).status).toBe(200);
  });
});

describe('a method that a path lacks', () => {
  it.each([
    ['put', '/leads', 'GET, HEAD, POST, OPTIONS'],
    ['post', `/leads/${unknownId}`, 'GET, HEAD, PATCH, PUT, OPTIONS'],
    ['patch', '/team', 'GET, HEAD, OPTIONS'],
    ['get', '/leads/bulk/x', undefined],
    ['get', '/unheard', undefined],
    ['post', '/', undefined],
  ] as const)('%s %s', async (method, path, allow) => {
    const { api } = await buildTenant(server);
    const answer = await api[method](path);
    expect(answer.status).toBe(allow ? 405 : 404);
    expect(answer.headers.allow).toBe(allow);
    expect(answer.body).toEqual({ success: false, error: allow ? 'Method not allowed' : 'No such route' });
  });

  it('is answered outside of workspaces too', async () => {
    const answer = await anonymous(server).get('/api/login');
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('POST, OPTIONS');
    expect((await anonymous(server).delete('/api/login')).body.error).toBe('Method not allowed');
    expect((await anonymous(server).get('/api')).status).toBe(404);
    expect((await anonymous(server).get('/')).status).toBe(404);
  });

  it('is answered before the body is looked at', async () => {
    const answer = await anonymous(server).post('/unheard').type('json').send('{"broken');
    expect(answer.status).toBe(404);
  });
});

describe('HEAD', () => {
  it('answers as GET does, without a body', async () => {
    const { api, workspaceId, apiKey } = await buildTenant(server);
    const { body } = await api.post('/leads').send(buildLead());
    const path = `/leads/${body.data._id}`;
    const read = await api.get(path);
    const head = async (headers: Record<string, string>) =>
      fetch(`${server.app.listeningOrigin}${workspacePath(workspaceId)}${path}`, { method: 'HEAD', headers });
    const answer = await head({ 'X-API-Key': apiKey });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('');
    for (const name of ['content-length', 'content-type', 'etag']) {
      expect(answer.headers.get(name)).toBe(read.headers[name]);
    }
    const unchanged = await head({ 'X-API-Key': apiKey, 'If-None-Match': read.headers.etag ?? '' });
    expect(unchanged.status).toBe(304);
    expect((await head({})).status).toBe(401);
  });

  it('counts once', async () => {
    const { api, workspaceId, apiKey } = await buildTenant(server, { key: { rateLimitPerMinute: 100 } });
    const url = `${server.app.listeningOrigin}${workspacePath(workspaceId)}/leads`;
    const answer = await fetch(url, { method: 'HEAD', headers: { 'X-API-Key': apiKey } });
    expect(answer.headers.get('x-ratelimit-remaining')).toBe('99');
    expect((await api.get('/leads')).headers['x-ratelimit-remaining']).toBe('98');
  });
});

describe('CORS', () => {
  const origin = 'https://app.example.com';
  const preflight = (on: typeof server, from: string, method: string) =>
    fetch(`${on.app.listeningOrigin}${workspacePath(unknownId)}/leads`, {
      method: 'OPTIONS',
      headers: {
        Origin: from,
        'Access-Control-Request-Method': method,
        'Access-Control-Request-Headers': 'x-api-key, if-match',
      },
    });

  it('lets configured origins in, with every method', async () => {
    const open = await startServer({ corsOrigins: [origin] });
    try {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
        const answer = await preflight(open, origin, method);
        expect(answer.status).toBe(204);
        expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
        expect(answer.headers.get('access-control-allow-credentials')).toBe('true');
        expect(answer.headers.get('access-control-allow-methods')).toContain(method);
        expect(answer.headers.get('access-control-allow-headers')).toBe('x-api-key, if-match');
      }
      const answer = await anonymous(open)
        .get(`${workspacePath(unknownId)}/leads`)
        .set('Origin', origin);
      expect(answer.status).toBe(401);
      expect(answer.headers['access-control-allow-origin']).toBe(origin);
      expect(answer.headers['access-control-expose-headers']).toContain('ETag');
      const refused = await anonymous(open)
        .delete(`${workspacePath(unknownId)}/leads`)
        .set('Origin', origin);
      expect(refused.status).toBe(405);
      expect(refused.headers['access-control-allow-origin']).toBe(origin);
    } finally {
      await open.close();
    }
  });

  it('gives other origins no leave', async () => {
    const answer = await preflight(server, origin, 'GET');
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('answers an OPTIONS that is no preflight', async () => {
    const answer = await fetch(`${server.app.listeningOrigin}/api/login`, { method: 'OPTIONS' });
    expect(answer.status).toBe(204);
    expect(await answer.text()).toBe('');
  });
});

describe('a refusal without a route', () => {
  it.each([
    ['a method that a path does not have', 'put', '/api/v1/leads', 405, 'GET, HEAD, POST, OPTIONS'],
    ['the same below its base', 'put', '/cratio/api/v1/leads', 405, 'GET, HEAD, POST, OPTIONS'],
    ['an undecodable id', 'get', '/api/v1/leads/%E0%A4%A', 400, undefined],
    ['an unknown path below its base', 'get', '/cratio/nowhere', 404, undefined],
  ] as const)("is in the contract's words: %s", async (_, method, path, status, allow) => {
    const answer = await anonymous(server)[method](path);
    expect(answer.status).toBe(status);
    const code = { 400: 'invalid_request', 404: 'not_found', 405: 'method_not_allowed' }[status];
    expect(answer.body).toEqual({ error: { code, message: expect.stringMatching(/^[A-Z]/) } });
    expect(answer.headers.allow).toBe(allow);
    expect(answer.headers).toHaveProperty('x-trace-id');
  });

  it.each(['/api/v1/nowhere', '/nowhere', '/api/v1/leads/1/2/3'])('is in ours for %s', async (path) => {
    expect((await anonymous(server).get(path)).body).toEqual({ success: false, error: 'No such route' });
  });
});
