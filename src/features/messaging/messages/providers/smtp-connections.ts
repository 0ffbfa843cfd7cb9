import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { allowedAddresses, type OutboundPolicy } from '../../../../infra/outbound.ts';

/**
 * SMTP sessions, kept open for a moment so that a run of emails to one server shares them. nodemailer's own pool is not
 * used because it sends a message again when its connection closes, and does not tell whether the message had left.
 */
export interface SmtpServer {
  host: string;
  port: number;
  /** TLS from the first byte. */
  isSecure: boolean;
  user?: string | undefined;
  password?: string | undefined;
  /** Demands encryption before the password is said. */
  isTlsRequired: boolean;
  policy: OutboundPolicy;
}

export interface Envelope {
  from: string;
  to: string[];
}

export interface SmtpAnswer {
  rejected: string[];
}

/** What went wrong, and whether the server may have the message all the same. */
export class SmtpFailure extends Error {
  /** The server's reply code, if it gave one. */
  readonly replyCode: number | undefined;
  readonly isHandedOver: boolean;
  /** Its reply code, or what befell the connection: ECONNREFUSED, ETLS, … */
  readonly code: string | undefined;

  constructor(error: SmtpError, isHandedOver: boolean) {
    super(error.response ?? error.message, { cause: error });
    this.replyCode = error.responseCode;
    this.code =
      error.responseCode === undefined ? (error.originalCode ?? error.code) : String(error.responseCode);
    this.isHandedOver = isHandedOver;
  }
}

/** nodemailer replaces the system's code by its own and keeps the former. */
type SmtpError = Error & { code?: string; originalCode?: string; response?: string; responseCode?: number };

interface Session {
  connection: SMTPConnection;
  isOpen: boolean;
  messageCount: number;
  timer?: NodeJS.Timeout;
}

const connectTimeoutMs = 10_000;
const greetingTimeoutMs = 10_000;
const socketTimeoutMs = 20_000;
/** However slowly the server answers: below the time after which a sender counts as dead. */
const deliveryTimeoutMs = 45_000;
const idleMs = 2_000;
/** Many servers end a session after a hundred messages. */
const messagesPerSession = 100;

const idle = new Map<string, Session[]>();

/** Sends one email. @throws SmtpFailure; ForbiddenTarget when the server is one that a workspace may not name */
export async function deliver(server: SmtpServer, envelope: Envelope, content: Buffer): Promise<SmtpAnswer> {
  const key = keyOf(server);
  const session = takeIdle(key) ?? (await openSession(server));
  let isHandedOver = false;
  // Read from only when the server has said that it waits for the message.
  const stream = new Readable({
    read() {
      isHandedOver = true;
      this.push(content);
      this.push(null);
    },
  });
  return new Promise((resolve, reject) => {
    const fail = (error: SmtpError) => {
      clearTimeout(timer);
      session.connection.close();
      reject(new SmtpFailure(error, isHandedOver));
    };
    const timer = setTimeout(() => fail(new Error('Delivery timeout')), deliveryTimeoutMs);
    session.connection.send(envelope, stream, (error, answer) => {
      if (error) return fail(error);
      clearTimeout(timer);
      keepIdle(key, session);
      return resolve({ rejected: (answer?.rejected ?? []).map(String) });
    });
  });
}

/** Only what was opened on exactly the same terms is shared. */
const keyOf = ({ policy, ...terms }: SmtpServer): string =>
  JSON.stringify([terms, policy.isPrivateNetworkAllowed]);

function takeIdle(key: string): Session | undefined {
  const sessions = idle.get(key) ?? [];
  for (let session = sessions.pop(); session; session = sessions.pop()) {
    clearTimeout(session.timer);
    if (session.isOpen) return session;
  }
  idle.delete(key);
  return undefined;
}

function keepIdle(key: string, session: Session): void {
  session.messageCount += 1;
  if (!session.isOpen || session.messageCount >= messagesPerSession) {
    session.connection.quit();
    return;
  }
  const sessions = idle.get(key) ?? [];
  idle.set(key, [...sessions, session]);
  session.timer = setTimeout(() => {
    const left = (idle.get(key) ?? []).filter((other) => other !== session);
    if (left.length > 0) idle.set(key, left);
    else idle.delete(key);
    session.connection.quit();
  }, idleMs);
  session.timer.unref();
}

async function openSession(server: SmtpServer): Promise<Session> {
  const addresses = await allowedAddresses(server.host, server.policy).catch(
    (error: NodeJS.ErrnoException) => {
      // A name server's error carries a code; a refused target does not, and is for the caller.
      throw error.code ? new SmtpFailure(error, false) : error;
    },
  );
  try {
    const socket = await connectSocket(server, addresses);
    return await logIn(server, socket);
  } catch (error) {
    throw new SmtpFailure(error as SmtpError, false);
  }
}

/** Connects to exactly the addresses that were checked. */
function connectSocket({ host, port }: SmtpServer, addresses: string[]): Promise<Socket> {
  const answers = addresses.map((address) => ({ address, family: isIP(address) }));
  const lookup: LookupFunction = (_hostname, options, callback) => {
    if (options.all) callback(null, answers);
    else callback(null, answers[0]?.address ?? '', answers[0]?.family);
  };
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, lookup, autoSelectFamily: true });
    const timer = setTimeout(() => socket.destroy(new Error('Connection timeout')), connectTimeoutMs);
    socket.once('error', reject);
    socket.once('close', () => clearTimeout(timer));
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

function logIn(server: SmtpServer, socket: Socket): Promise<Session> {
  const { host, user, password } = server;
  const connection = new SMTPConnection({
    connection: socket,
    host,
    secure: server.isSecure,
    requireTLS: server.isTlsRequired,
    greetingTimeout: greetingTimeoutMs,
    socketTimeout: socketTimeoutMs,
  });
  const session: Session = { connection, isOpen: true, messageCount: 0 };
  connection.once('end', () => {
    session.isOpen = false;
  });
  return new Promise((resolve, reject) => {
    // Stays for the session's life: what happens to it while it is idle concerns nobody.
    connection.on('error', reject);
    connection.connect((connectError) => {
      if (connectError) reject(connectError);
      else if (user === undefined) resolve(session);
      else {
        connection.login({ credentials: { user, pass: password ?? '' } }, (loginError) => {
          if (!loginError) return resolve(session);
          connection.close();
          return reject(loginError);
        });
      }
    });
  });
}
