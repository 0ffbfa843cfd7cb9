import { connect } from 'node:net';
import Fastify from 'fastify';
import mongoose from 'mongoose';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Context } from '../../src/context.ts';
import { AppError, duplicate, errorCatalogue, invalid, notFound } from '../../src/lib/errors.ts';
import { errorsPlugin } from '../../src/plugins/errors.ts';
import { useServer } from '../helpers/app.ts';

const server = useServer();

/** Sends bytes as they are and returns the answer's head and body once the server hangs up. */
function exchange(bytes: string): Promise<{ head: string; body: string }> {
  const { port } = new URL(server.app.listeningOrigin);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes, 'latin1'));
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', reject).on('close', () => {
      const [head = '', body = ''] = text.split('\r\n\r\n');
      resolve({ head, body });
    });
  });
}

describe('what is no HTTP', () => {
  it.each([
    ['a wrong method', 'NONSENSE / HTTP/1.1\r\n\r\n', 400],
    ['another protocol', '\x16\x03\x01\x02\x00\x01', 400],
    ['a header without a name', 'GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n', 400],
    ['a null byte in a header', 'GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n', 400],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    [
      'a smuggled request',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['huge headers', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['a huge URL', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
  ])('%s is answered in JSON', async (_, bytes, status) => {
    const { head, body } = await exchange(bytes);
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(head).toMatch(/^X-Trace-Id: [0-9a-f-]{36}$/m);
    expect(head).toMatch(/^X-API-Version: 1\.1\.0$/m);
    expect(head).toMatch(/^Content-Type: application\/json; charset=utf-8$/m);
    expect(JSON.parse(body)).toEqual({ success: false, error: expect.any(String) });
  });

  it('does not disturb other requests', async () => {
    await exchange('NONSENSE\r\n\r\n');
    expect((await fetch(`${server.app.listeningOrigin}/api/v1/health`)).status).toBe(200);
  });
});

/** A tiny app whose one route throws, and what it logs. */
async function answerTo(error: unknown) {
  const logged: Record<string, unknown>[] = [];
  const log = pino({ level: 'info' }, { write: (line) => void logged.push(JSON.parse(line)) });
  const app = Fastify();
  await app.register(errorsPlugin, { ctx: { log } as unknown as Context });
  app.get('/', () => {
    throw error;
  });
  const { statusCode, headers, payload } = await app.inject('/');
  await app.close();
  return { status: statusCode, headers, body: JSON.parse(payload), logged };
}

describe('an expected error', () => {
  it.each(Object.entries(errorCatalogue).filter(([, [status]]) => status < 500))(
    'of the code %s has its status and sentence, and is not logged as a fault',
    async (code, [status, message]) => {
      const answer = await answerTo(new AppError(code as keyof typeof errorCatalogue));
      expect(answer).toMatchObject({ status, body: { success: false, error: message }, logged: [] });
      expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    },
  );

  it('carries its details, further fields and headers', async () => {
    expect((await answerTo(invalid('name', 'Too long'))).body).toEqual({
      success: false,
      error: 'Validation failed',
      details: { name: ['Too long'] },
    });
    expect((await answerTo(notFound('Lead'))).body).toEqual({ success: false, error: 'Lead not found' });
    expect((await answerTo(duplicate('Taken', { leadId: 'x' }))).body).toEqual({
      success: false,
      error: 'Taken',
      duplicate: { leadId: 'x' },
    });
    const limited = await answerTo(new AppError('rate_limited', { headers: { 'Retry-After': '7' } }));
    expect(limited.headers['retry-after']).toBe('7');
  });
});

describe('an unexpected error', () => {
  it.each([
    new Error('connect ECONNREFUSED mongodb://secret@host'),
    new TypeError("Cannot read properties of undefined (reading 'x')"),
    Object.assign(new Error('E11000 duplicate key'), { code: 11_000, statusCode: 500 }),
    'a text',
    undefined,
  ])('is a 500 that tells nothing (%s), with its cause in the log', async (error) => {
    const answer = await answerTo(error);
    expect(answer.status).toBe(500);
    expect(answer.body).toEqual({ success: false, error: 'An unexpected error occurred' });
    expect(answer.logged).toHaveLength(1);
    expect(answer.logged[0]).toMatchObject({ level: 50 });
  });

  it('is a 503 with Retry-After when the database is away', async () => {
    const answer = await answerTo(new mongoose.mongo.MongoServerSelectionError('no server', {} as never));
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('2');
    expect(answer.body).toEqual({ success: false, error: 'The service is temporarily unavailable' });
  });
});
