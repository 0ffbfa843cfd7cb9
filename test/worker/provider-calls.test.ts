import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { callProvider } from '../../src/features/messaging/messages/providers/http.ts';
import { fetchTemplates } from '../../src/features/messaging/messages/providers/meta-whatsapp.ts';
import { ProviderUncertain } from '../../src/features/messaging/messages/providers/provider.ts';
import { type FakeApi, startFakeApi } from '../helpers/fake-api.ts';

const timeoutMs = 300;
/** What a busy machine may add. */
const slackMs = 2_000;
const closes: (() => unknown)[] = [];
afterAll(() => Promise.all(closes.map((close) => close())));

/** An HTTP server on loopback that says `head` and then drips for ever. */
async function startDrip(head: string, drip: string): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write(head);
      const timer = setInterval(() => socket.write(drip), 10);
      socket.once('close', () => clearInterval(timer));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closes.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function inTime<T>(call: Promise<T>): Promise<T> {
  const startedAt = Date.now();
  try {
    return await call;
  } finally {
    expect(Date.now() - startedAt).toBeLessThan(timeoutMs + slackMs);
  }
}

describe("a provider's answer", () => {
  it('is not read on beyond all bounds', async () => {
    const kilobyte = '"a",'.repeat(256);
    const url = await startDrip('HTTP/1.1 200 OK\r\n\r\n[', kilobyte.repeat(1_024));
    expect(await inTime(callProvider(url, {}, 60_000))).toMatchObject({ status: 200, body: undefined });
  });
});

describe("a call of a provider's API ends in time", () => {
  it.each([
    ['nothing comes', '', ''],
    ['the status line drips on', 'HTTP/1.1 200 ', 'O'],
    ['the headers drip on', 'HTTP/1.1 200 OK\r\n', 'X-Header: 1\r\n'],
    ['the body drips on', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '1\r\n{\r\n'],
  ])('when %s', async (_, head, drip) => {
    const url = await startDrip(head, drip);
    const call = callProvider(url, { method: 'POST', body: '{}' }, timeoutMs);
    await expect(inTime(call)).rejects.toBeInstanceOf(ProviderUncertain);
  });

  it('when it takes many', async () => {
    const api: FakeApi = await startFakeApi(() => ({
      hold: new Promise((resolve) => setTimeout(resolve, 50)),
      answer: {
        status: 200,
        body: { data: [], paging: { cursors: { after: 'more' }, next: 'more' } },
      },
    }));
    closes.push(() => api.close());
    const credentials = {
      phoneNumberId: '12345',
      accessToken: 'token',
      appSecret: 'secret',
      verifyToken: 'verify-me',
      businessAccountId: '67890',
    };
    const call = fetchTemplates(api.url, credentials, timeoutMs);
    await expect(inTime(call)).rejects.toBeInstanceOf(ProviderUncertain);
    expect(api.requests.length).toBeGreaterThan(1);
  });
});
