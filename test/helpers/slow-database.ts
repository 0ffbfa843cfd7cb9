import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SlowDatabase {
  /** A way to the same database that a test can hold commands up on. */
  url: string;
  /** Holds up the next command that contains the text, with all that follows on its connection. */
  holdNext(text: string): Held;
  close(): Promise<void>;
}

export interface Held {
  /** The command is on its way and held. */
  reached: Promise<void>;
  /** Lets it go on. */
  release(): void;
  /** Breaks the connection to whoever sent it; it reaches the database all the same once released. */
  abandon(): void;
}

/** Stands between a server and the database, as a slow network does. */
export async function startSlowDatabase(mongoUrl: string): Promise<SlowDatabase> {
  const dataDir = await mkdtemp(join(tmpdir(), 'crm-slow-'));
  const listenAt = join(dataDir, 'slow-27017.sock');
  const [, host = ''] = /^mongodb:\/\/([^/]+)/.exec(mongoUrl) ?? [];
  const target = decodeURIComponent(host);
  const sockets = new Set<Socket>();
  let wanted: { text: string; hold(client: Socket, server: Socket, chunk: Buffer): void } | undefined;

  const proxy = createServer((client) => {
    const [hostname, port] = target.split(':');
    const server = target.startsWith('/') ? connect(target) : connect(Number(port), hostname);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    server.pipe(client);
    client.on('end', () => server.end());
    client.on('data', (chunk) => {
      if (wanted && chunk.includes(wanted.text)) {
        wanted.hold(client, server, chunk);
        wanted = undefined;
      } else server.write(chunk);
    });
  });
  await new Promise<void>((resolve) => proxy.listen(listenAt, resolve));

  return {
    url: mongoUrl.replace(host, encodeURIComponent(listenAt)),
    holdNext(text) {
      let release = () => {};
      let abandon = () => {};
      const reached = new Promise<void>((resolve) => {
        wanted = {
          text,
          hold(client, server, chunk) {
            client.pause();
            release = () => {
              server.write(chunk);
              client.resume();
            };
            abandon = () => {
              server.unpipe(client);
              server.resume();
              client.removeAllListeners('end');
              client.destroy();
            };
            resolve();
          },
        };
      });
      return { reached, release: () => release(), abandon: () => abandon() };
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
