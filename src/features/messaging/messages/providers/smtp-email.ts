import type { Config } from '../../../../config.ts';
import { compose } from '../../../../infra/mail.ts';
import {
  createResolve,
  ForbiddenTarget,
  type OutboundPolicy,
  resolveLocally,
} from '../../../../infra/outbound.ts';
import {
  deliver,
  deliveryTimeoutMs,
  implicitTlsPort,
  SmtpFailure,
  type SmtpServer,
  submissionPort,
} from '../../../../infra/smtp.ts';
import type { EmailCredentials } from '../../message-providers/schema.ts';
import type { Message } from '../model.ts';
import {
  type MessageProvider,
  ProviderRejected,
  ProviderUnavailable,
  ProviderUncertain,
  type SendResult,
} from './provider.ts';

export interface EmailSender {
  server: SmtpServer;
  from: string;
  fromName?: string | undefined;
  replyTo?: string | undefined;
}

/**
 * SMTP. It offers no way to ask for a message whose answer was lost, so such an email counts as unknown and is not sent
 * again. Each email has a Message-ID made of its record's id, by which a mail server's log can be searched.
 * @param unsubscribeUrl where the recipient can opt out; undefined when the server has no public address
 * @param timeoutMs how long a mail server may take over one email, all in all
 */
export const smtpEmail = (
  sender: EmailSender,
  unsubscribeUrl: (message: Message) => string | undefined,
  timeoutMs = deliveryTimeoutMs,
): MessageProvider => ({
  from: sender.from,
  async send(message) {
    const content = await compose(mailOf(sender, message, unsubscribeUrl(message)));
    const envelope = { from: sender.from, to: [message.to, ...(message.cc ?? [])] };
    try {
      const { rejected } = await deliver(sender.server, envelope, content, timeoutMs);
      return resultOf(messageIdOf(sender, message), rejected);
    } catch (error) {
      throw refusalOf(error);
    }
  },
});

/** The workspace's own server. Its host was named by a client, so it has to be public like any webhook receiver. */
export function workspaceSender(config: Config, credentials: EmailCredentials): EmailSender {
  const { host, secure, user, password, from, fromName, replyTo } = credentials;
  const port = credentials.port ?? (secure ? implicitTlsPort : submissionPort);
  const { isPrivateNetworkAllowed } = config.webhooks;
  const policy = isPrivateNetworkAllowed ? trusted : guarded;
  const isSecure = secure ?? port === implicitTlsPort;
  const isTlsRequired = !isPrivateNetworkAllowed && user !== undefined;
  return { server: { host, port, isSecure, user, password, isTlsRequired, policy }, from, fromName, replyTo };
}

/** The server as a whole has enough. */
const serviceUnavailableReply = 421;

const trusted: OutboundPolicy = { isPrivateNetworkAllowed: true, resolve: resolveLocally };
const guarded: OutboundPolicy = { isPrivateNetworkAllowed: false, resolve: createResolve() };

const messageIdOf = (sender: EmailSender, message: Message): string =>
  `<${message._id.toHexString()}@${sender.from.split('@').at(-1)}>`;

const mailOf = (sender: EmailSender, message: Message, unsubscribeUrl: string | undefined) => ({
  from: { name: sender.fromName ?? '', address: sender.from },
  ...(sender.replyTo ? { replyTo: sender.replyTo } : {}),
  to: message.to,
  ...(message.cc ? { cc: message.cc } : {}),
  subject: message.subject ?? '',
  ...(message.body === undefined ? {} : { text: message.body }),
  ...(message.html === undefined ? {} : { html: message.html }),
  messageId: messageIdOf(sender, message),
  date: message.createdAt,
  ...(unsubscribeUrl ? { headers: unsubscribeHeaders(unsubscribeUrl, message) } : {}),
});

/**
 * One click of the mail program is enough, as RFC 8058 has it; save where there are copies: they all have this same link,
 * and a click can't tell whose it was.
 */
const unsubscribeHeaders = (url: string, { cc }: Message): Record<string, string> => ({
  'List-Unsubscribe': `<${url}>`,
  ...(cc ? {} : { 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' }),
});

const resultOf = (providerId: string, rejected: string[]): SendResult =>
  rejected.length > 0
    ? { providerId, remark: `The server refused the recipients ${rejected.join(', ')}` }
    : { providerId };

function refusalOf(error: unknown): Error {
  if (error instanceof ForbiddenTarget) return new ProviderRejected(error.message);
  if (!(error instanceof SmtpFailure))
    return new ProviderUncertain('The email could not be handed over', { cause: error });
  const { replyCode, code, message, isHandedOver } = error;
  if (replyCode !== undefined && replyCode >= 500) return new ProviderRejected(message, { code });
  if (replyCode !== undefined) {
    // Other temporary replies are about a mailbox, or put off a sender that a server has not seen before.
    return new ProviderUnavailable(message, {
      code,
      isAboutRecipient: replyCode !== serviceUnavailableReply,
    });
  }
  if (isHandedOver)
    return new ProviderUncertain('The connection to the mail server was lost', { cause: error });
  return new ProviderUnavailable('The mail server can’t be reached', { code });
}
