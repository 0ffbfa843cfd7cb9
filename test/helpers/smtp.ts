import { EventEmitter, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export interface Mail {
  from: string;
  to: string[];
  /** The message as it went over the wire. */
  text: string;
  at: number;
}

export interface Smtp {
  port: number;
  mails: Mail[];
  /** Resolves when `count` mails have been taken. */
  received(count: number): Promise<Mail[]>;
  readonly connections: number;
  close(): Promise<void>;
}

export const smtpAccount = { user: 'mailer', password: 'mailer-password', from: 'sales@lakeside.example' };

/** A mail server on loopback; `overrides` make it misbehave. */
export async function startSmtp(overrides: SMTPServerOptions = {}): Promise<Smtp> {
  const mails: Mail[] = [];
  const arrivals = new EventEmitter().setMaxListeners(0);
  let connections = 0;
  const server = new SMTPServer({
    hideSTARTTLS: true,
    allowInsecureAuth: true,
    authMethods: ['PLAIN', 'LOGIN'],
    closeTimeout: 100,
    onConnect(_session, callback) {
      connections += 1;
      callback();
    },
    onAuth({ username, password }, _session, callback) {
      const isKnown = username === smtpAccount.user && password === smtpAccount.password;
      if (isKnown) return callback(null, { user: username });
      return callback(Object.assign(new Error('Invalid login'), { responseCode: 535 }));
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString('utf8'),
          at: Date.now(),
        });
        arrivals.emit('mail');
        callback();
      });
    },
    ...overrides,
  });
  // A client that hangs up is no business of the test.
  server.on('error', () => {});
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return {
    port: (listening.address() as AddressInfo).port,
    mails,
    async received(count) {
      while (mails.length < count) await once(arrivals, 'mail');
      return mails;
    },
    get connections() {
      return connections;
    },
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}
