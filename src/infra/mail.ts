import MailComposer from 'nodemailer/lib/mail-composer';
import { resolveLocally } from './outbound.ts';
import { deliver, deliveryTimeoutMs, implicitTlsPort, type SmtpServer, submissionPort } from './smtp.ts';

/** The operator's mail server, and who sends through it when nobody is named. */
export interface Mailbox {
  server: SmtpServer;
  from: string;
}

/** Reads SMTP_URL. The sender is its parameter `from`, or its user. */
export function mailboxOf(smtpUrl: string): Mailbox {
  const url = new URL(smtpUrl);
  const isSecure = url.protocol === 'smtps:';
  const user = decodeURIComponent(url.username) || undefined;
  const fallback = user?.includes('@') ? user : `no-reply@${url.hostname}`;
  return {
    server: {
      host: url.hostname,
      port: Number(url.port || (isSecure ? implicitTlsPort : submissionPort)),
      isSecure,
      user,
      password: decodeURIComponent(url.password) || undefined,
      isTlsRequired: false,
      policy: { isPrivateNetworkAllowed: true, resolve: resolveLocally },
    },
    from: url.searchParams.get('from') ?? fallback,
  };
}

export interface Mail {
  to: string[];
  subject: string;
  text: string;
  html?: string;
  /** Else the mailbox's own. */
  from?: string;
  /** The same on every try lets mail servers recognise a repetition. */
  messageId?: string;
}

/**
 * Sends one email of the system itself through SMTP_URL, or fails within `timeoutMs`.
 * @throws SmtpFailure, whose `isHandedOver` says whether the email may have left all the same
 */
export async function sendMail(smtpUrl: string, mail: Mail, timeoutMs = deliveryTimeoutMs): Promise<void> {
  const mailbox = mailboxOf(smtpUrl);
  const from = mail.from ?? mailbox.from;
  const content = await compose({ ...mail, from });
  await deliver(mailbox.server, { from, to: mail.to }, content, timeoutMs);
}

type MailFields = ConstructorParameters<typeof MailComposer>[0];

/** The bytes of an email. Nothing in it is read from a file or fetched. */
export const compose = (fields: MailFields): Promise<Buffer> =>
  new MailComposer({ ...fields, disableFileAccess: true, disableUrlAccess: true }).compile().build();
