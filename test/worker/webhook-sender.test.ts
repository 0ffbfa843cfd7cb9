import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSender } from '../../src/features/platform/webhooks/send.ts';
import { resolveLocally } from '../../src/infra/outbound.ts';
import { type Receiver, startReceiver } from '../helpers/receiver.ts';

const timeoutMs = 300;
const sender = createSender({ isPrivateNetworkAllowed: true, resolve: resolveLocally }, timeoutMs);
const post = (url: string) => sender.post(url, { 'content-type': 'application/json' }, '{"a":1}');

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

describe('a receiver that answers', () => {
  it('gets the body and the headers', async () => {
    expect(await post(`${receiver.url}/hook?x=1#y`)).toEqual({ statusCode: 200, responseBody: 'status 200' });
    const [request] = receiver.requests;
    expect(request).toMatchObject({ path: '/hook?x=1', text: '{"a":1}' });
    expect(request?.headers).toMatchObject({ 'content-type': 'application/json', 'content-length': '7' });
  });

  it('is sent many requests over one connection', async () => {
    for (let index = 0; index < 5; index += 1) await post(receiver.url);
    expect(receiver.requests).toHaveLength(5);
    expect(receiver.connections).toBe(1);
  });

  it('is sent the request again when it had closed the kept connection', async () => {
    await post(receiver.url);
    receiver.behave((request, res) => {
      // The second request finds the connection dead; the third is the repetition on a new one.
      if (receiver.requests.length === 2) request && res.destroy();
      else res.end('back');
    });
    expect(await post(receiver.url)).toEqual({ statusCode: 200, responseBody: 'back' });
    expect(receiver.requests).toHaveLength(3);
  });

  it('has one deadline for all of the tries', async () => {
    receiver.behave((_, res) => void setTimeout(() => res.end('ready'), 30));
    await Promise.all([post(receiver.url), post(receiver.url), post(receiver.url)]);
    expect(receiver.connections).toBe(3);
    // Each kept connection is dragged out almost to the end, and then reset.
    receiver.behave((_, res) => void setTimeout(() => res.destroy(), 0.7 * timeoutMs));
    expect(await post(receiver.url)).toEqual({ error: `No answer within ${timeoutMs} ms` });
  });

  it('is not followed to where it redirects', async () => {
    receiver.behave((_, res) => res.writeHead(307, { location: `${receiver.url}/elsewhere` }).end());
    expect(await post(receiver.url)).toEqual({ statusCode: 307, responseBody: '' });
    expect(receiver.requests).toHaveLength(1);
  });

  it('tells how long to wait, in seconds or as a date', async () => {
    receiver.behave((_, res) => res.writeHead(429, { 'retry-after': '7' }).end());
    expect(await post(receiver.url)).toEqual({ statusCode: 429, responseBody: '', retryAfterMs: 7_000 });
    const date = new Date(Date.now() + 60_000).toUTCString();
    receiver.behave((_, res) => res.writeHead(503, { 'retry-after': date }).end());
    expect((await post(receiver.url)).retryAfterMs).toBeGreaterThan(55_000);
    receiver.behave((_, res) => res.writeHead(503, { 'retry-after': 'soon' }).end());
    expect(await post(receiver.url)).toEqual({ statusCode: 503, responseBody: '' });
  });

  it('has its answer cut at 4 KiB, between characters', async () => {
    receiver.behave((_, res) => res.end(`x${'é'.repeat(5_000)}`));
    const { responseBody = '' } = await post(receiver.url);
    expect(responseBody).toBe(`x${'é'.repeat(2_047)}`);
  });

  it('is cut off when its answer does not end', async () => {
    receiver.behave('huge');
    const startedAt = Date.now();
    const { statusCode, responseBody = '' } = await post(receiver.url);
    expect(statusCode).toBe(500);
    expect(responseBody).toBe('x'.repeat(4_096));
    expect(Date.now() - startedAt).toBeLessThan(timeoutMs);
  });

  it('has succeeded once its status is there, whatever becomes of the body', async () => {
    receiver.behave('drip');
    expect(await post(receiver.url)).toMatchObject({
      statusCode: 200,
      responseBody: expect.stringMatching(/^\.+$/),
    });
    receiver.behave('lie');
    expect(await post(receiver.url)).toEqual({ statusCode: 200, responseBody: 'short' });
  });
});

describe('a receiver that does not answer', () => {
  it('is given up after the timeout', async () => {
    receiver.behave('hang');
    const startedAt = Date.now();
    expect(await post(receiver.url)).toEqual({ error: `No answer within ${timeoutMs} ms` });
    expect(Date.now() - startedAt).toBeLessThan(timeoutMs * 3);
  });

  it('has failed when it resets the connection', async () => {
    receiver.behave('reset');
    expect(await post(receiver.url)).toEqual({ error: 'socket hang up' });
    expect(receiver.requests).toHaveLength(1);
  });

  it('has failed when nothing listens', async () => {
    const closed = await startReceiver();
    await closed.close();
    const { error } = await post(closed.url);
    expect(error).toContain('ECONNREFUSED');
  });

  it('has failed when the name does not exist', async () => {
    const resolve = async () => Promise.reject(new Error('queryA ENOTFOUND nowhere.example'));
    const { post: postThere } = createSender({ isPrivateNetworkAllowed: false, resolve }, timeoutMs);
    expect(await postThere('https://nowhere.example/', {}, '{}')).toEqual({
      error: 'queryA ENOTFOUND nowhere.example',
    });
  });
});

describe('a server that speaks something else', () => {
  const servers: Server[] = [];
  afterAll(() => {
    for (const one of servers) one.close();
  });
  const listen = async (server: Server) => {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  };

  it('has failed', async () => {
    const port = await listen(createTcpServer((socket) => socket.end('220 mail.example.com ESMTP\r\n')));
    expect((await post(`http://127.0.0.1:${port}/`)).error).toContain('Parse Error');
  });

  it('has failed when it switches protocols', async () => {
    const port = await listen(
      createTcpServer((socket) => {
        socket.on('error', () => undefined);
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n');
      }),
    );
    expect((await post(`http://127.0.0.1:${port}/`)).statusCode).toBeUndefined();
  });

  describe('with a certificate that nobody vouches for', () => {
    let port = 0;
    let wasReached = false;
    beforeAll(async () => {
      const server = createTlsServer(selfSigned, (_, res) => {
        wasReached = true;
        res.end();
      });
      port = await listen(server);
    });

    it('has failed, and was told nothing', async () => {
      const { error } = await post(`https://127.0.0.1:${port}/`);
      expect(error).toMatch(/self-signed certificate/);
      expect(wasReached).toBe(false);
    });
  });
});

describe('an address that is not allowed', () => {
  it('is not sent anything, whatever it was when it was checked', async () => {
    const answers = [['93.184.216.34'], ['127.0.0.1']];
    const policy = { isPrivateNetworkAllowed: false, resolve: async () => answers.shift() ?? [] };
    const guarded = createSender(policy, timeoutMs);
    const port = new URL(receiver.url).port;
    await policy.resolve();
    const result = await guarded.post(`http://rebind.example.com:${port}/`, {}, '{}');
    expect(result).toEqual({ error: 'rebind.example.com is not an address of the public internet' });
    expect(await guarded.post(`${receiver.url}/`, {}, '{}')).toEqual({
      error: '127.0.0.1 is not an address of the public internet',
    });
    expect(receiver.connections).toBe(0);
  });
});

/** For 127.0.0.1, signed by itself, valid for a hundred years; worth nothing anywhere else. */
const selfSigned = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgRHumer6n8KM2q85o
uCg1LDc31OAEg+itHCIfUGMPL7WhRANCAARSB5c0nWfCMvol8i+5E4s0KZkjf37J
88ObOrERoYPTwdQNvsa8OCL51XKhSrz3QVmwgU/xUjjQTzkj+gJEsL8R
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUehhJ5qqQkbburpSJDYA6ngCSmpgwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTAxMTUwNVoYDzIxMjYxMDI4
MDExNTA1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARSB5c0nWfCMvol8i+5E4s0KZkjf37J88ObOrERoYPTwdQNvsa8OCL5
1XKhSrz3QVmwgU/xUjjQTzkj+gJEsL8Ro28wbTAdBgNVHQ4EFgQUEZBzcYdbX4lo
WMWrTwxOBj67kp0wHwYDVR0jBBgwFoAUEZBzcYdbX4loWMWrTwxOBj67kp0wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARhwR/AAABgglsb2NhbGhvc3QwCgYIKoZI
zj0EAwIDSAAwRQIgb24Sbs5+x/ARp9mtaTAV3NIwBwkL7dYvi2B8vE+NPE4CIQCm
bTe4GQNDcBdOxaLjtgsLyQCD/VTzvbQsryioTXMZ5w==
-----END CERTIFICATE-----`,
};
