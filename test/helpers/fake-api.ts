import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ApiRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  text: string;
  at: number;
}

/** A status, a JSON body and headers; or one of the ways in which a connection dies. */
export type ApiAnswer =
  | { status: number; body: unknown; headers?: Record<string, string> }
  /** Reads the request and cuts the connection: whether it took effect nobody knows. */
  | 'reset'
  /** Answers when it is released. */
  | { hold: Promise<unknown>; answer: ApiAnswer };

export interface FakeApi {
  url: string;
  requests: ApiRequest[];
  /** Resolves when `count` requests (that match) have come. */
  received(count: number, matches?: (request: ApiRequest) => boolean): Promise<ApiRequest[]>;
  close(): Promise<void>;
}

/** An HTTP server on loopback that speaks for a provider. */
export async function startFakeApi(answer: (request: ApiRequest) => ApiAnswer): Promise<FakeApi> {
  const requests: ApiRequest[] = [];
  const arrivals = new EventEmitter().setMaxListeners(0);
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const url = new URL(req.url ?? '/', 'http://provider');
    const request: ApiRequest = {
      method: req.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: req.headers,
      text: Buffer.concat(chunks).toString('utf8'),
      at: Date.now(),
    };
    requests.push(request);
    arrivals.emit('request');
    let given = answer(request);
    while (typeof given === 'object' && 'hold' in given) {
      await given.hold;
      given = given.answer;
    }
    if (given === 'reset') return void req.socket.destroy();
    const text = typeof given.body === 'string' ? given.body : JSON.stringify(given.body);
    return void res
      .writeHead(given.status, { 'Content-Type': 'application/json', ...given.headers })
      .end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async received(count, matches = () => true) {
      while (requests.filter(matches).length < count) await once(arrivals, 'request');
      return requests.filter(matches);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
