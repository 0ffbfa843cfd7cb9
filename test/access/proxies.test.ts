import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { anonymous, buildEmail } from '../helpers/accounts.ts';
import { buildTenant, startServer, workspacePath } from '../helpers/app.ts';

describe('TRUST_PROXY', () => {
  it.each([
    [undefined, false],
    ['false', false],
    ['2', 2],
    ['10.0.0.0/8, loopback', ['10.0.0.0/8', 'loopback']],
    ['2001:db8::1', ['2001:db8::1']],
  ])('%s means %s', (TRUST_PROXY, trustProxy) => {
    expect(loadConfig({ TRUST_PROXY }).trustProxy).toEqual(trustProxy);
  });

  it('refuses true with the reason, and what is neither a number nor networks', () => {
    expect(() => loadConfig({ TRUST_PROXY: 'true' })).toThrow(
      /^TRUST_PROXY: true would believe whatever address a client writes into X-Forwarded-For/,
    );
    for (const wrong of ['yes', '-1', '10.0.0.0/40', 'proxy.example.com', '10.0.0.0/8,all']) {
      expect(() => loadConfig({ TRUST_PROXY: wrong })).toThrow(/^TRUST_PROXY: must be the number of proxies/);
    }
  });
});

describe.each([
  ['one proxy', 1],
  ['proxies in a network', ['loopback']],
])('behind %s', (_, trustProxy) => {
  it('an address that the client wrote opens no key that is for others', async () => {
    const server = await startServer({ trustProxy });
    try {
      const { workspaceId, apiKey } = await buildTenant(server, { key: { allowedIps: ['203.0.113.7'] } });
      const from = (forwarded: string) =>
        anonymous(server)
          .get(workspacePath(workspaceId))
          .set({ 'X-API-Key': apiKey, 'X-Forwarded-For': forwarded });
      // The proxy adds the address that it sees, at the end.
      expect((await from('203.0.113.7')).status).toBe(200);
      expect((await from('198.51.100.1, 203.0.113.7')).status).toBe(200);
      expect((await from('203.0.113.7, 198.51.100.1')).status).toBe(403);
      expect((await from('203.0.113.7, 127.0.0.2, 198.51.100.1')).status).toBe(403);
    } finally {
      await server.close();
    }
  });

  it('addresses that the client wrote earn no further guesses', async () => {
    const server = await startServer({ trustProxy, rateLimit: { perMinute: 5, perHour: 100 } });
    try {
      let forged = 0;
      const guess = () =>
        anonymous(server)
          .post('/api/login')
          .set('X-Forwarded-For', `192.0.2.${++forged}, 198.51.100.1`)
          .send({ email: buildEmail(), password: 'guess' });
      const statuses = [];
      for (let made = 0; made < 7; made++) statuses.push((await guess()).status);
      expect(statuses.slice(-2)).toEqual([429, 429]);
    } finally {
      await server.close();
    }
  });
});
