import { describe, expect, it } from 'vitest';
import type { Scope } from '../../src/tenancy/actor.ts';
import { anonymous } from '../helpers/accounts.ts';
import { apiOf, buildApiKey, buildPhone, buildTenant, useServer, workspacePath } from '../helpers/app.ts';

const server = useServer();

async function apiWith(scopes: Scope[]) {
  const { workspaceId } = await buildTenant(server);
  const { apiKey } = await buildApiKey(server, workspaceId, { scopes });
  return apiOf(server, workspacePath(workspaceId), { 'X-API-Key': apiKey });
}

/** What a key with these scopes is answered: its reads, and its sends (empty, so that nothing leaves). */
async function answersTo(scopes: Scope[]) {
  const api = await apiWith(scopes);
  const isIn = async (request: PromiseLike<{ status: number }>) => (await request).status !== 403;
  return {
    read: await isIn(api.get('/messages')),
    send: await isIn(api.post('/messages/sms').send({})),
    whatsappRead: await isIn(api.get('/whatsapp/conversations')),
    whatsappSend: await isIn(api.post('/whatsapp/send/text').send({})),
  };
}

describe('the scopes of messages', () => {
  it('open the operations beyond the document, and hold in the documented ones for keys that have one', async () => {
    const all = { read: true, send: true, whatsappRead: true, whatsappSend: true };
    expect(await answersTo(['message.read', 'message.send'])).toEqual(all);
    expect(await answersTo(['lead.read', 'message.read'])).toEqual({
      ...all,
      send: false,
      whatsappSend: false,
    });
    expect(await answersTo(['message.send'])).toEqual({ ...all, read: false, whatsappRead: false });
    expect(await answersTo(['lead.read'])).toEqual({ ...all, read: false, send: false });
  });

  it('are named by the refusal', async () => {
    const api = await apiWith(['lead.read']);
    const refused = await api.post('/messages/sms').send({ to: buildPhone(), text: 'Hello' });
    expect(refused.status).toBe(403);
    expect(refused.body.error).toBe('This operation needs the scope message.send');
  });

  it('are not what a key gets that asks for none', async () => {
    const { workspaceId } = await buildTenant(server);
    const { apiKey } = await buildApiKey(server, workspaceId, { kind: 'cratio', permissions: ['read'] });
    for (const headers of [{ 'X-API-Key': apiKey }, { Authorization: `Bearer ${apiKey}` }]) {
      for (const path of ['/messages', '/whatsapp/conversations', '/whatsapp/templates']) {
        const answer = await anonymous(server)
          .get(`${workspacePath(workspaceId)}${path}`)
          .set(headers);
        expect(answer.status).toBe(401);
      }
    }
  });
});
