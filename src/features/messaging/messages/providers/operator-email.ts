import type { Context } from '../../../../context.ts';
import { takeOperatorMail, usedUpReason } from '../../operator-mail.ts';
import { type MessageProvider, ProviderRejected, ProviderUnavailable } from './provider.ts';

/** Email through the operator's mail server: counted before it leaves, and given back when it certainly did not. */
export const operatorEmail = (ctx: Context, email: MessageProvider): MessageProvider => ({
  from: email.from,
  async send(message) {
    const giveBack = await takeOperatorMail(ctx, message.workspaceId, message).catch((error: unknown) => {
      ctx.log.warn({ err: error, messageId: message._id }, 'an email could not be counted');
      throw new ProviderUnavailable('The email could not be prepared');
    });
    if (!giveBack) throw new ProviderRejected(usedUpReason(ctx), { code: 'daily_limit' });
    try {
      return await email.send(message);
    } catch (error) {
      if (error instanceof ProviderUnavailable) await giveBack().catch(() => {});
      throw error;
    }
  },
});
