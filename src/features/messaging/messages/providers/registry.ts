import type { Context } from '../../../../context.ts';
import { mailboxOf } from '../../../../infra/mail.ts';
import type { ObjectId } from '../../../../lib/ids.ts';
import type { Channel } from '../../channels.ts';
import { findCredentials } from '../../message-providers/service.ts';
import { operatorMailUrl } from '../../operator-mail.ts';
import type { Message } from '../model.ts';
import { statusCallbackUrl, unsubscribeUrl } from '../urls.ts';
import { metaWhatsapp } from './meta-whatsapp.ts';
import { operatorEmail } from './operator-email.ts';
import type { MessageProvider } from './provider.ts';
import { sandbox } from './sandbox.ts';
import { smtpEmail, workspaceSender } from './smtp-email.ts';
import { twilioSms } from './twilio-sms.ts';

/** What serves a workspace's channel: the account that it stored, the operator's mail server, or the sandbox. */
export function providerOf(ctx: Context, workspaceId: ObjectId, channel: Channel): Promise<MessageProvider> {
  return factories[channel](ctx, workspaceId);
}

const factories: Record<Channel, (ctx: Context, workspaceId: ObjectId) => Promise<MessageProvider>> = {
  async whatsapp(ctx, workspaceId) {
    const credentials = await findCredentials(ctx, workspaceId, 'whatsapp');
    return credentials ? metaWhatsapp(ctx.config.whatsappApiUrl, credentials) : sandbox('whatsapp');
  },
  async sms(ctx, workspaceId) {
    const credentials = await findCredentials(ctx, workspaceId, 'sms');
    if (!credentials) return sandbox('sms');
    return twilioSms(ctx.config.twilioApiUrl, credentials, (message) => statusCallbackUrl(ctx, message));
  },
  async email(ctx, workspaceId) {
    const unsubscribe = (message: Message) => unsubscribeUrl(ctx, message);
    const credentials = await findCredentials(ctx, workspaceId, 'email');
    if (credentials) return smtpEmail(workspaceSender(ctx.config, credentials), unsubscribe);
    const operatorUrl = operatorMailUrl(ctx.config, workspaceId);
    return operatorUrl
      ? operatorEmail(ctx, smtpEmail(mailboxOf(operatorUrl), unsubscribe))
      : sandbox('email');
  },
};
