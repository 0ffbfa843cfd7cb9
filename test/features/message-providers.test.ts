import { describe, expect, it } from 'vitest';
import type { ProviderAccount } from '../../src/features/messaging/message-providers/model.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { bearer, buildAccount, buildColleague, portalPath } from '../helpers/accounts.ts';
import { apiOf, useServer } from '../helpers/app.ts';
import { whatsappAccount } from '../helpers/graph.ts';
import { smtpAccount } from '../helpers/smtp.ts';
import { twilioAccount } from '../helpers/twilio.ts';

const server = useServer({ publicUrl: 'https://crm.example.com/' });

const accounts = {
  whatsapp: whatsappAccount,
  sms: twilioAccount,
  email: { host: 'smtp.example.com', ...smtpAccount },
};
const channels = ['whatsapp', 'sms', 'email'] as const;
const providers = { whatsapp: 'meta', sms: 'twilio', email: 'smtp' };

describe.each(channels)('/message-providers/%s', (channel) => {
  const path = `/message-providers/${channel}`;

  it('stores credentials and never shows them again', async () => {
    const { portal, workspaceId } = await buildAccount(server);
    const before = await portal.get(path);
    expect(before.status).toBe(200);
    expect(before.body.data).toMatchObject({ channel, provider: 'sandbox', isConfigured: false, fields: {} });

    const stored = await portal.put(path).send(accounts[channel]);
    expect(stored.status).toBe(200);
    expect(stored.body.data).toMatchObject({ channel, provider: providers[channel], isConfigured: true });
    expect(Object.keys(stored.body.data.fields).sort()).toEqual(Object.keys(accounts[channel]).sort());
    const shown = await portal.get(path);
    expect(shown.body).toEqual(stored.body);
    const rows = server.ctx.db.global<ProviderAccount>('provider_accounts');
    const row = await rows.findOne({ workspaceId: new ObjectId(workspaceId) });
    for (const value of Object.values(accounts[channel])) {
      expect(shown.text).not.toContain(value);
      expect(JSON.stringify(row)).not.toContain(value);
    }
    for (const { endsWith } of Object.values(shown.body.data.fields) as { endsWith?: string }[]) {
      expect(endsWith?.length ?? 4).toBe(4);
    }
    const list = await portal.get('/message-providers');
    expect(list.body.data).toHaveLength(3);
    expect(list.body.data).toContainEqual(shown.body.data);
    const urls = JSON.stringify(shown.body.data.callbackUrls);
    if (channel !== 'email') expect(urls).toContain(`https://crm.example.com/api/providers/`);
    if (channel !== 'email') expect(urls).toContain(workspaceId);
  });

  it('goes back to the sandbox when the credentials are deleted, which may be repeated', async () => {
    const { portal } = await buildAccount(server);
    await portal.put(path).send(accounts[channel]);
    for (let round = 0; round < 2; round++) expect((await portal.delete(path)).status).toBe(200);
    expect((await portal.get(path)).body.data).toMatchObject({ provider: 'sandbox', isConfigured: false });
  });

  it('answers 422 to credentials that are incomplete or malformed', async () => {
    const { portal } = await buildAccount(server);
    expect((await portal.put(path).send({})).status).toBe(422);
    for (const name of Object.keys(accounts[channel])) {
      const answer = await portal.put(path).send({ ...accounts[channel], [name]: { $gt: '' } });
      expect(answer.status).toBe(422);
      expect(Object.keys(answer.body.details)).toEqual([name]);
    }
    expect((await portal.get(path)).body.data.isConfigured).toBe(false);
  });

  it('is for admins of the workspace only', async () => {
    const admin = await buildAccount(server);
    const manager = await buildColleague(server, admin, 'manager');
    const stranger = await buildAccount(server);
    const as = (headers: Record<string, string>) => apiOf(server, portalPath(admin.workspaceId), headers);
    for (const call of ['get', 'put', 'delete'] as const) {
      expect((await as({})[call](path).send(accounts[channel])).status).toBe(401);
      for (const { token } of [manager, stranger]) {
        expect((await as(bearer(token))[call](path).send(accounts[channel])).status).toBe(403);
      }
    }
  });
});

it('SMS takes a sender or a messaging service, not both and not neither', async () => {
  const { portal } = await buildAccount(server);
  const { from: _, ...bare } = twilioAccount;
  const messagingServiceSid = `MG${'0123456789abcdef'.repeat(2)}`;
  const put = async (body: object) => (await portal.put('/message-providers/sms').send(body)).status;
  expect(await put(bare)).toBe(422);
  expect(await put({ ...twilioAccount, messagingServiceSid })).toBe(422);
  expect(await put({ ...bare, messagingServiceSid })).toBe(200);
  expect(await put({ ...bare, from: 'LAKESIDE' })).toBe(200);
});
