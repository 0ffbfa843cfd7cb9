import { expect, vi } from 'vitest';
import type { Channel } from '../../src/features/messaging/channels.ts';
import type { CredentialsOf } from '../../src/features/messaging/message-providers/schema.ts';
import { storeCredentials } from '../../src/features/messaging/message-providers/service.ts';
import type { Message } from '../../src/features/messaging/messages/model.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import type { Tenant, TestServer } from './app.ts';

/** Gives the workspace an account with a provider. */
export async function configureProvider<C extends Channel>(
  server: TestServer,
  { workspaceId }: Pick<Tenant, 'workspaceId'>,
  channel: C,
  credentials: CredentialsOf[C],
): Promise<void> {
  await storeCredentials(server.ctx, new ObjectId(workspaceId), channel, credentials);
}

/** Waits until the message has one of the statuses, and returns it. */
export async function messageWith({ api }: Pick<Tenant, 'api'>, id: string, ...statuses: string[]) {
  return vi.waitFor(
    async () => {
      const { body } = await api.get(`/messages/${id}`);
      expect(statuses).toContain(body.data.status);
      return body.data;
    },
    { timeout: 10_000, interval: 30 },
  );
}

/** The message as the database has it. */
export const storedMessage = ({ ctx }: TestServer, id: string): Promise<Message | null> =>
  ctx.db.global<Message>('messages').findOne({ _id: new ObjectId(id) });

/** Makes a message and its lane due now, as if the time had passed. */
export async function makeDue({ ctx }: TestServer, id: string, fields: Partial<Message> = {}): Promise<void> {
  const past = new Date(Date.now() - 1_000);
  const message = await ctx.db
    .global<Message>('messages')
    .findOneAndUpdate({ _id: new ObjectId(id) }, { $set: { ...fields, dueAt: past } });
  if (!message) throw new Error('No such message');
  const { workspaceId, channel } = message;
  await ctx.db.global('message_lanes').updateOne({ workspaceId, channel }, { $set: { dueAt: past } });
}
