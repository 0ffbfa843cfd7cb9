import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { allowedAddresses, ForbiddenTarget, type OutboundPolicy } from './outbound.ts';

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

export const implicitTlsPort = 465;
export const submissionPort = 587;

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

/**
 * The one deadline, over everything that a mail server can drag out: its name, the connection, the greeting, encryption,
 * the login and the message, however busily it answers meanwhile. Below the time after which a sender counts as dead.
 */
export const deliveryTimeoutMs = 30_000;
/** Within it, a server that says nothing at all is given up sooner. */
const connectTimeoutMs = 10_000;
const greetingTimeoutMs = 10_000;
const silenceTimeoutMs = 20_000;
const idleMs = 2_000;
/** How long a server may take to say goodbye. */
const farewellMs = 2_000;
/** Many servers end a session after a hundred messages. */
const messagesPerSession = 100;

const idle = new Map<string, Session[]>();

/**
 * Sends one email, or fails within `timeoutMs`.
 * @throws SmtpFailure; ForbiddenTarget when the server is one that a workspace may not name
 */
export async function deliver(
  server: SmtpServer,
  envelope: Envelope,
  content: Buffer,
  timeoutMs = deliveryTimeoutMs,
): Promise<SmtpAnswer> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  try {
    const key = keyOf(server);
    const session = takeIdle(key) ?? (await openSession(server, deadline.signal));
    const answer = await handOver(session, envelope, content, deadline.signal);
    keepIdle(key, session);
    return answer;
  } finally {
    clearTimeout(timer);
  }
}

function handOver(
  session: Session,
  envelope: Envelope,
  content: Buffer,
  deadline: AbortSignal,
): Promise<SmtpAnswer> {
  const { connection } = session;
  let isHandedOver = false;
  // Read from only when the server has said that it waits for the message.
  const stream = new Readable({
    read() {
      isHandedOver = true;
      this.push(content);
      this.push(null);
    },
  });
  const sent = within<SmtpAnswer>(
    deadline,
    () => connection.close(),
    (resolve, reject) =>
      connection.send(envelope, stream, (error, answer) =>
        error ? reject(error) : resolve({ rejected: (answer?.rejected ?? []).map(String) }),
      ),
  );
  return sent.catch((error: SmtpError) => {
    connection.close();
    throw new SmtpFailure(error, isHandedOver);
  });
}

/** What `begin` settles with, or at the deadline a failure, for which `cancel` ends what was begun. */
function within<T>(
  deadline: AbortSignal,
  cancel: () => void,
  begin: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const expire = () => {
      cancel();
      reject(Object.assign(new Error('The mail server took too long'), { code: 'ETIMEDOUT' }));
    };
    if (deadline.aborted) return expire();
    deadline.addEventListener('abort', expire, { once: true });
    const settled = () => deadline.removeEventListener('abort', expire);
    begin(
      (value) => {
        settled();
        resolve(value);
      },
      (error) => {
        settled();
        reject(error);
      },
    );
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
    quit(session);
    return;
  }
  const sessions = idle.get(key) ?? [];
  idle.set(key, [...sessions, session]);
  session.timer = setTimeout(() => {
    const left = (idle.get(key) ?? []).filter((other) => other !== session);
    if (left.length > 0) idle.set(key, left);
    else idle.delete(key);
    quit(session);
  }, idleMs);
  session.timer.unref();
}

function quit({ connection }: Session): void {
  connection.quit();
  const timer = setTimeout(() => connection.close(), farewellMs);
  timer.unref();
  connection.once('end', () => clearTimeout(timer));
}

async function openSession(server: SmtpServer, deadline: AbortSignal): Promise<Session> {
  try {
    const addresses = await within<string[]>(
      deadline,
      () => {},
      (resolve, reject) => allowedAddresses(server.host, server.policy).then(resolve, reject),
    );
    return await logIn(server, await connectSocket(server, addresses, deadline), deadline);
  } catch (error) {
    if (error instanceof ForbiddenTarget) throw error;
    throw new SmtpFailure(error as SmtpError, false);
  }
}

/** Connects to exactly the addresses that were checked. */
function connectSocket(
  { host, port }: SmtpServer,
  addresses: string[],
  deadline: AbortSignal,
): Promise<Socket> {
  const answers = addresses.map((address) => ({ address, family: isIP(address) }));
  const lookup: LookupFunction = (_hostname, options, callback) => {
    if (options.all) callback(null, answers);
    else callback(null, answers[0]?.address ?? '', answers[0]?.family);
  };
  const socket = connect({ host, port, lookup, autoSelectFamily: true });
  const timer = setTimeout(() => socket.destroy(new Error('Connection timeout')), connectTimeoutMs);
  socket.once('close', () => clearTimeout(timer));
  return within(
    deadline,
    () => socket.destroy(),
    (resolve, reject) => {
      socket.once('error', reject);
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.off('error', reject);
        resolve(socket);
      });
    },
  );
}

function logIn(server: SmtpServer, socket: Socket, deadline: AbortSignal): Promise<Session> {
  const { host, user, password } = server;
  const connection = new SMTPConnection({
    connection: socket,
    host,
    secure: server.isSecure,
    requireTLS: server.isTlsRequired,
    greetingTimeout: greetingTimeoutMs,
    socketTimeout: silenceTimeoutMs,
  });
  const session: Session = { connection, isOpen: true, messageCount: 0 };
  connection.once('end', () => {
    session.isOpen = false;
  });
  return within(
    deadline,
    () => connection.close(),
    (resolve, reject) => {
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
    },
  );
}
