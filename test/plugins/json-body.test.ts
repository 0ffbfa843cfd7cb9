import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Context } from '../../src/context.ts';
import { errorsPlugin } from '../../src/plugins/errors.ts';
import { jsonBodyPlugin } from '../../src/plugins/json-body.ts';

const app = Fastify({ bodyLimit: 1_000_000 });
beforeAll(async () => {
  await app.register(errorsPlugin, { ctx: {} as Context });
  await app.register(jsonBodyPlugin);
  app.post('/', (request, reply) =>
    reply.send({ got: request.body === undefined ? 'nothing' : request.body }),
  );
});
afterAll(() => app.close());

async function post(payload: string | Buffer, contentType = 'application/json') {
  const answer = await app.inject({
    method: 'POST',
    url: '/',
    headers: { 'content-type': contentType },
    payload,
  });
  return { status: answer.statusCode, body: JSON.parse(answer.payload) };
}

const object = (names: number) =>
  `{${Array.from({ length: names }, (_, index) => `"${index}":[1,2]`).join(',')}}`;

describe('a JSON body', () => {
  it.each([
    ['an object', '{"a":[1,"ü",null,true,{}]}', { a: [1, 'ü', null, true, {}] }],
    ['a list', '[1]', [1]],
    ['a text', '"text"', 'text'],
    ['null', 'null', null],
    ['no bytes', '', 'nothing'],
    ['brackets in a text', `{"a":"${'['.repeat(1_000)}\\"${'{'.repeat(1_000)}\\\\"}`, undefined],
    ['64 levels', `${'['.repeat(64)}${']'.repeat(64)}`, undefined],
    ['many lists one after the other', `[${'[],'.repeat(1_000)}[]]`, undefined],
    ['60,001 values', `[${'1,'.repeat(60_000)}1]`, undefined],
    ['objects of 5,000 names', `[${object(5_000)},${object(5_000)}]`, undefined],
  ])('takes %s', async (_, payload, expected) => {
    const { status, body } = await post(payload);
    expect(status).toBe(200);
    if (expected !== undefined) expect(body.got).toEqual(expected);
  });

  it.each([
    ['60,002 values', `[${'1,'.repeat(60_001)}1]`],
    ['an object of 5,001 names', `{"fields":${object(5_001)}}`],
    ['a name more than once', `{${'"a":1,'.repeat(5_000)}"a":1}`],
  ])('answers 422 for %s', async (_, payload) => {
    const { status, body } = await post(payload);
    expect(status).toBe(422);
    expect(body.details).toEqual({ body: ['Too many values'] });
  });

  it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset=UTF-8'])(
    'may be of the type %s',
    async (contentType) => {
      expect((await post('{}', contentType)).status).toBe(200);
    },
  );

  it('drops names that reach into prototypes', async () => {
    const { body } = await post('{"a":{"__proto__":{"x":1}},"constructor":{"prototype":{"x":1}},"b":1}');
    expect(body.got).toEqual({ a: {}, b: 1 });
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  it.each([
    '{',
    '{"a":}',
    '{a:1}',
    "{'a':1}",
    '[1,]',
    '01',
    'NaN',
    'undefined',
    '\u0000',
    '{"a":1}}',
    '['.repeat(100_000),
  ])('answers 400 for malformed JSON', async (payload) => {
    const { status, body } = await post(payload);
    expect(status).toBe(400);
    expect(body).toEqual({ success: false, error: 'The request body is not valid JSON' });
  });

  it.each([
    ['a stray byte', Buffer.from([0x22, 0xff, 0x22])],
    ['half a character', Buffer.from([0x22, 0xe2, 0x82, 0x22])],
    ['a surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['an overlong form', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
  ])('answers 400 for %s', async (_, payload) => {
    const { status, body } = await post(payload);
    expect(status).toBe(400);
    expect(body.error).toBe('The request body is not valid UTF-8');
  });

  it.each([65, 100_000])('answers 422 for %i levels', async (depth) => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const { status, body } = await post(`${open.repeat(depth)}1${close.repeat(depth)}`);
      expect(status).toBe(422);
      expect(body.details).toEqual({ body: ['Too deeply nested'] });
    }
  });

  it.each([
    'text/plain',
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'nonsense',
    'application/jsonx',
  ])('answers 415 for the type %s', async (contentType) => {
    const { status, body } = await post('{}', contentType);
    expect(status).toBe(415);
    expect(body).toEqual({ success: false, error: 'The request body must be application/json' });
  });

  it('answers 413 beyond the limit', async () => {
    const { status, body } = await post(`"${'x'.repeat(1_000_000)}"`);
    expect(status).toBe(413);
    expect(body).toEqual({ success: false, error: 'The request body is too large' });
  });
});
