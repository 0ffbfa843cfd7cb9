import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  /** As it came. */
  text: string;
  body: Record<string, unknown>;
  at: number;
}

/** How a request is answered: a status, or one of the ways in which receivers misbehave. */
export type Behaviour =
  | number
  /** Reads the request and says nothing. */
  | 'hang'
  /** Cuts the connection. */
  | 'reset'
  /** 200, then a body that never ends, a byte at a time. */
  | 'drip'
  /** Announces more than it sends. */
  | 'lie'
  /** 500 with a body of megabytes. */
  | 'huge'
  | ((request: Received, response: ServerResponse) => void);

export interface Receiver {
  url: string;
  requests: Received[];
  /** From now on; per path where one is named. */
  behave(behaviour: Behaviour, path?: string): void;
  /** Requests that were under way at the same time, at most. */
  readonly peak: number;
  readonly connections: number;
  /** Resolves when `count` requests (that match) have come. */
  received(count: number, matches?: (request: Received) => boolean): Promise<Received[]>;
  close(): Promise<void>;
}

/** A webhook receiver on loopback that records what it gets. */
export async function startReceiver(): Promise<Receiver> {
  const requests: Received[] = [];
  const behaviours = new Map<string, Behaviour>();
  const waiters = new Set<(request: Received) => void>();
  let underWay = 0;
  let peak = 0;
  let connections = 0;

  const server = createServer((req, res) => {
    underWay += 1;
    peak = Math.max(peak, underWay);
    res.on('close', () => {
      underWay -= 1;
    });
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const path = req.url ?? '/';
      const request = { path, headers: req.headers, text, body: JSON.parse(text), at: Date.now() };
      requests.push(request);
      answer(behaviours.get(path) ?? behaviours.get('*') ?? 200, request, res);
      for (const waiter of waiters) waiter(request);
    });
  });
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    behave: (behaviour, path = '*') => void behaviours.set(path, behaviour),
    get peak() {
      return peak;
    },
    get connections() {
      return connections;
    },
    received(count, matches = () => true) {
      const found = requests.filter(matches);
      if (found.length >= count) return Promise.resolve(found);
      return new Promise((resolve, reject) => {
        const stop = () => {
          clearTimeout(timer);
          waiters.delete(waiter);
        };
        const waiter = (request: Received) => {
          if (matches(request)) found.push(request);
          if (found.length < count) return;
          stop();
          resolve(found);
        };
        const timer = setTimeout(() => {
          stop();
          reject(new Error(`${found.length} of ${count} requests came in time`));
        }, patienceMs);
        waiters.add(waiter);
      });
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const patienceMs = 30_000;
const hugeBytes = 5_000_000;
const dripEveryMs = 20;

function answer(behaviour: Behaviour, request: Received, res: ServerResponse): void {
  if (typeof behaviour === 'function') behaviour(request, res);
  else if (typeof behaviour === 'number') res.writeHead(behaviour).end(`status ${behaviour}`);
  else if (behaviour === 'reset') res.destroy();
  else if (behaviour === 'huge') res.writeHead(500).end('x'.repeat(hugeBytes));
  else if (behaviour === 'lie') {
    res.writeHead(200, { 'content-length': '1000' });
    res.write('short', () => res.destroy());
  } else if (behaviour === 'drip') {
    res.writeHead(200);
    const timer = setInterval(() => res.write('.'), dripEveryMs);
    res.on('close', () => clearInterval(timer));
  }
}
