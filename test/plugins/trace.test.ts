import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { anonymous, buildAccount, buildPortalKey, withKey } from '../helpers/accounts.ts';
import { buildLead, buildTenant, startServer, useServer } from '../helpers/app.ts';

const server = useServer();
const health = (traceId?: string) => {
  const request = anonymous(server).get('/api/v1/health');
  return traceId === undefined ? request : request.set('X-Trace-Id', traceId);
};

describe('X-Trace-Id', () => {
  it.each(['abc', '4bf92f3577b34da6a3ce929d0e0e4736', 'order:42.retry', 'x'.repeat(128)])(
    'echoes the sane id %s',
    async (traceId) => {
      expect((await health(traceId)).headers['x-trace-id']).toBe(traceId);
    },
  );

  it.each(['', ' ', 'two words', '<script>', 'x'.repeat(129), 'a,b', '{"a":1}', 'ümlaut'])(
    'replaces %j',
    async (traceId) => {
      const answer = await health(
        encodeURI(traceId) === traceId ? traceId : Buffer.from(traceId).toString('latin1'),
      );
      expect(answer.headers['x-trace-id']).toMatch(/^[0-9a-f-]{36}$/);
    },
  );

  it('is made for requests without one, another each time', async () => {
    const [first, second] = [await health(), await health()];
    expect(first.headers['x-trace-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(first.headers['x-trace-id']).not.toBe(second.headers['x-trace-id']);
  });

  it('is on every kind of answer, with the version of the API', async () => {
    const { api } = await buildTenant(server);
    const created = await api.post('/leads').send(buildLead());
    const etag = created.headers.etag ?? '';
    const path = `/leads/${created.body.data._id}`;
    const answers = await Promise.all([
      api.get('/leads'),
      api.get(path).set('If-None-Match', etag),
      api.post('/leads').type('json').send('{'),
      api.post('/leads').type('text/plain').send('x'),
      anonymous(server).get('/api/auth/user'),
      api.get('/leads?limit=0'),
      api.delete('/leads'),
      api.get('/unheard'),
      api.get('/leads/%E0%A4%A'),
      anonymous(server).get('/docs/static/unheard.js'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 304, 400, 415, 401, 422, 405, 404, 400, 404]);
    for (const { headers } of answers) {
      expect(headers).toMatchObject({ 'x-trace-id': expect.any(String), 'x-api-version': '1.1.0' });
    }
  });
});

describe('the log', () => {
  it('has one line a request, with the trace and without secrets or bodies', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line) => void lines.push(line) });
    const logging = await startServer({}, { log });
    try {
      const account = await buildAccount(logging);
      const key = await buildPortalKey(account);
      await anonymous(logging).post('/api/login').send({ email: account.email, password: 'a wrong one' });
      const { body } = await anonymous(logging).post('/api/v1/oauth/token').send({
        client_id: key.clientId,
        client_secret: key.clientSecret,
        grant_type: 'client_credentials',
      });
      const lead = buildLead({ name: 'Nobody Should Read This' });
      await withKey(logging, account.workspaceId, key.apiKey)
        .post('/leads?q=secret-query')
        .set('X-Trace-Id', 'the-trace')
        .send(lead);
      const requests = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request');
      expect(requests).toHaveLength(5);
      expect(requests.at(-1)).toMatchObject({
        traceId: 'the-trace',
        method: 'POST',
        route: '/api/v1/workspaces/:workspaceId/leads',
        status: 201,
        ms: expect.any(Number),
        workspaceId: account.workspaceId,
        actor: key.id,
      });
      const secrets = [
        account.token,
        account.password,
        'a wrong one',
        key.apiKey,
        key.clientSecret,
        body.access_token,
        body.refresh_token,
        lead.name,
        lead.mobileNumber,
        'secret-query',
      ];
      for (const secret of secrets) expect(lines.join('')).not.toContain(secret);
    } finally {
      await logging.close();
    }
  });
});
