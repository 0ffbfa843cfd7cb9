import { randomBytes } from 'node:crypto';
import { randomToken } from '../../../../lib/crypto.ts';
import type { Channel } from '../../channels.ts';
import type { MessageProvider } from './provider.ts';

/** Numbers and a domain that are set aside for examples: nobody is ever mistaken for the sender. */
const senders: Record<Channel, string> = {
  whatsapp: '+15550100100',
  sms: '+15550100101',
  email: 'sandbox@example.com',
};

/** Ids in the shape of the real providers'. */
const newIds: Record<Channel, () => string> = {
  whatsapp: () => `wamid.${randomBytes(36).toString('base64')}`,
  sms: () => `SM${randomBytes(16).toString('hex')}`,
  email: () => `<${randomToken(16)}@example.com>`,
};

/** Serves workspaces without credentials: accepts everything, sends nothing. */
export const sandbox = (channel: Channel): MessageProvider => ({
  from: senders[channel],
  send: async () => ({ providerId: newIds[channel]() }),
});
