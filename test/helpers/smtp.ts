import { EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
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

/** Where a tarpit begins to drag its feet. */
export const tarpits = ['greeting', 'EHLO', 'AUTH', 'MAIL', 'RCPT', 'DATA', 'message'] as const;
export type Tarpit = (typeof tarpits)[number] | 'QUIT';

/** What a tarpit says for ever once it has begun: a reply that never ends, byte by byte or line by line. */
export const drips = { bytes: '2', lines: '250-wait for it\r\n' };

/**
 * A mail server on loopback that answers properly up to one step, and from there goes on answering for ever: always
 * something, never an end.
 */
export async function startTarpit(step: Tarpit, drip: string = drips.bytes) {
  const sockets = new Set<Socket>();
  const commands: string[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const stall = () => {
      const timer = setInterval(() => socket.write(drip), 10);
      socket.once('close', () => {
        clearInterval(timer);
        sockets.delete(socket);
      });
    };
    const reply = (at: Tarpit, text: string) => (at === step ? stall() : void socket.write(`${text}\r\n`));
    reply('greeting', '220 tarpit');
    let rest = '';
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('utf8')).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        commands.push(line);
        const [verb = ''] = line.split(' ');
        if (verb === 'EHLO') reply('EHLO', '250-tarpit\r\n250 AUTH PLAIN');
        else if (verb === 'AUTH') reply('AUTH', '235 ok');
        else if (verb === 'DATA') reply('DATA', '354 go on');
        else if (verb === 'MAIL' || verb === 'RCPT') reply(verb, '250 ok');
        else if (verb === '.') reply('message', '250 ok');
        else if (verb === 'QUIT') reply('QUIT', '221 bye');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    commands,
    /** How many connections are open. */
    get open() {
      return sockets.size;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
