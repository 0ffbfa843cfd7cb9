import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { type RunningWorker, startWorker } from '../../src/worker.ts';
import { useServer } from '../helpers/app.ts';
import {
  bodyFor,
  buildWorld,
  credentialFor,
  errorShape,
  isDistinct,
  isPortal,
  listRoutes,
  pathOf,
  type RouteUnderTest,
  type World,
} from '../helpers/routes.ts';

/** Whatever a client sends to whichever route, the answer is one of the documented ones and never a 500. */

const routes = (await listRoutes()).filter(isDistinct);
const named = (list: RouteUnderTest[]) => list.map((route) => [route.name, route] as const);
const withBody = routes.filter(({ schema }) => schema.body);
const withQuery = routes.filter(({ schema }) => schema.querystring);
const withIds = routes.filter(({ url }) => url.includes(':'));

const server = useServer();
let shared: World;
let worker: RunningWorker;
beforeAll(async () => {
  // Sending a message waits for a worker.
  worker = startWorker(server.ctx, inject('redisUrl'));
  shared = await buildWorld(server);
});
afterAll(() => worker.close());

type Headers = Record<string, string>;

async function send(route: RouteUnderTest, url: string, headers: Headers, payload?: string | Buffer) {
  const answer = await server.app.inject({
    method: route.method as 'GET',
    url,
    headers,
    ...(payload === undefined ? {} : { payload }),
  });
  const what = `${route.method} ${url.slice(0, 200)} ${String(payload).slice(0, 200)}: ${answer.payload.slice(0, 500)}`;
  expect(answer.statusCode, what).toBeLessThan(500);
  expect(answer.headers, what).toHaveProperty('x-trace-id');
  if (answer.statusCode < 400) return answer.statusCode;
  const body = JSON.parse(answer.payload) as Record<string, unknown>;
  expect(body, what).toMatchObject(errorShape(route) as object);
  // Neither a stack nor the words of a driver, nor what the client sent.
  expect(answer.payload, what).not.toMatch(/node_modules|\.[tj]s:\d|mongo|bson|E11000|redis|<script>/i);
  return answer.statusCode;
}

const json = { 'Content-Type': 'application/json' };
const nested = (open: string, close: string, depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`;

/** Bodies as they come over the wire, and the statuses where not any will do. */
/** The document answers an invalid WhatsApp message with 400. */
const invalid = [422, 400];

const bodies: [label: string, contentType: string, payload: string | Buffer, statuses?: number[]][] = [
  ['half an object', 'application/json', '{"name":', [400]],
  ['a trailing comma', 'application/json', '{"name":"x",}', [400]],
  ['single quotes', 'application/json', "{'name':'x'}", [400]],
  ['NaN', 'application/json', '{"name":NaN}', [400]],
  ['invalid UTF-8', 'application/json', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), [400]],
  ['UTF-16', 'application/json', Buffer.from('{"name":"x"}', 'utf16le'), [400]],
  ['a text', 'text/plain', 'name=x', [415]],
  ['XML', 'application/xml', '<name>x</name>', [415]],
  ['a nonsensical type', 'nonsense', '{}', [415]],
  ['JSON of another kind', 'application/merge-patch', '{}', [415]],
  ['too deep a list', 'application/json', nested('[', ']', 100_000), invalid],
  ['too deep an object', 'application/json', nested('{"a":', '}', 50_000), invalid],
  ['brackets never closed', 'application/json', '['.repeat(100_000), [400]],
  ['nothing', 'application/json', ''],
  ['null', 'application/json', 'null'],
  ['true', 'application/json', 'true'],
  ['a number', 'application/json', '1e999'],
  ['a text in JSON', 'application/json', '"text"'],
  ['a list', 'application/json', '[{"name":"x"}]'],
  ['an empty object', 'application/json', '{}'],
  ['prototype names', 'application/json', '{"__proto__":{"a":1},"constructor":{"prototype":{"a":1}}}'],
  ['operators', 'application/json', '{"$where":"sleep(1000)","$set":{"a":1},"a.b":1,"$or":[{}]}'],
  [
    '10,000 names',
    'application/json',
    JSON.stringify(Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`n${i}`, i]))),
  ],
];

/** Put into every field of a body that was valid before. */
const values: [label: string, json: string][] = [
  ['null', 'null'],
  ['an operator', '{"$gt":""}'],
  ['operators in a list', '[{"$ne":null},"$where"]'],
  ['paths and prototypes', '{"a.b":{"$where":"1"},"__proto__":{"x":1},"constructor":"x","":1}'],
  ['10,000 characters', JSON.stringify('x'.repeat(10_000))],
  ['null bytes and half characters', '"\\u0000\\ud800<script>\\u202e"'],
  ['an operator as text', '"$where"'],
  ['a huge number', '1e308'],
  ['infinity', '-1e999'],
  ['a late time', '"9999-12-31T23:59:59.999Z"'],
  ['a long list', JSON.stringify(Array.from({ length: 2_000 }, (_, i) => `item ${i}`))],
];

describe('a hostile body', () => {
  it.each(named(withBody))('does no harm to %s', async (_, route) => {
    const world = await buildWorld(server);
    const url = pathOf(route, world);
    const credential = credentialFor(route, world);
    for (const [label, contentType, payload, expected] of bodies) {
      const status = await send(route, url, { ...credential, 'Content-Type': contentType }, payload);
      if (expected !== undefined) expect(expected, label).toContain(status);
    }
    const tooLarge = JSON.stringify({
      filler: 'x'.repeat(route.url.endsWith('/bulk') ? 5_242_880 : 1_048_576),
    });
    expect(await send(route, url, { ...credential, ...json }, tooLarge)).toBe(413);
  });

  it.each(named(withBody))('does no harm to any field of %s', async (_, route) => {
    const world = await buildWorld(server);
    const url = pathOf(route, world);
    const headers = { ...credentialFor(route, world), ...json };
    // The handler is reached, so that what follows tests more than the credential.
    const untouched = await send(route, url, headers, JSON.stringify(bodyFor(route, world)));
    expect(untouched).not.toBe(403);
    if (route.access !== 'public') expect(untouched).not.toBe(401);
    for (const field of fieldsOf(route)) {
      for (const [, value] of values) {
        const { [field]: _replaced, ...rest } = bodyFor(route, world) ?? {};
        const others = JSON.stringify(rest).slice(1, -1);
        await send(route, url, headers, `{${others}${others && ','}"${field}":${value}}`);
      }
    }
  });
});

const fieldsOf = ({ schema }: RouteUnderTest): string[] => {
  const { properties = {} } = z.toJSONSchema(schema.body as z.ZodType, {
    io: 'input',
    unrepresentable: 'any',
  });
  return [...Object.keys(properties), 'unheardOf'];
};

const cursorOf = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const queries = [
  ...['0', '-1', '101', '1e9', '1.5', 'abc', '', '0x1', ' ', '9'.repeat(400)].map(
    (limit) => `limit=${limit}`,
  ),
  'limit=1&limit=2',
  'limit[$gt]=1',
  ...['garbage', '%00', '%F0%9F%92%A9', 'e30', 'x'.repeat(10_000)].map((cursor) => `cursor=${cursor}`),
  `cursor=${cursorOf({ u: '+275760-09-13T00:00:00.001Z', i: '65b8c47f4e2cfc1df3a75111' })}`,
  `cursor=${cursorOf({ u: { $gt: '' }, i: { $gt: '' } })}`,
  `cursor=${cursorOf({ u: '2026-01-01T00:00:00.000Z', i: 'g'.repeat(24) })}`,
  `cursor=${cursorOf({ u: '+275760-09-13T00:00:00.000Z', i: '65b8c47f4e2cfc1df3a75111' })}`,
  'cursor=a&cursor=b',
  `q=${'x'.repeat(10_000)}`,
  'q=%00',
  'q=$where',
  'q=%ED%A0%80',
  'q[$ne]=1',
  'q=a&q=b',
  'sort=$natural',
  'sort=createdAt&sort=updatedAt',
  'status[$ne]=x',
  'status=a&status=b',
  'status=%00',
  'createdAfter=yesterday',
  'createdAfter=9999-12-31T23:59:59.999Z&createdBefore=0001-01-01T00:00:00Z',
  'updated_since=2026-02-30T00:00:00Z',
  'updatedAfter=2026-01-01T00:00:00Z&sort=-createdAt',
  'hours=999999999',
  'page=99999999999999999999',
  'archived=perhaps',
  'fields.a.b.c=1',
  'fields.$where=1',
  'fields.=1',
  'fields.__proto__=1',
  'fields.x=1&fields.x=2',
  '__proto__=x&__proto__=y',
  '__proto__[x]=1&constructor[prototype][x]=1',
  'constructor=x&toString=y&hasOwnProperty=z',
  '%',
  '%ff=%zz',
  '&&==&=&',
  `${'a=b&'.repeat(2_000)}`,
];

describe('a hostile query', () => {
  it.each(named(withQuery))('does no harm to %s', async (_, route) => {
    const url = pathOf(route, shared);
    for (const query of queries) await send(route, `${url}?${query}`, credentialFor(route, shared));
  });
});

const ids = [
  '%00',
  '%20',
  '$ne',
  '%7B%22$gt%22:%22%22%7D',
  '..%2F..%2Fetc',
  '__proto__',
  'constructor',
  '%F0%9F%92%A9',
  '%3Cscript%3E',
  '65b8c47f4e2c',
  '65b8c47f4e2cfc1df3a7511g',
  '65b8c47f4e2cfc1df3a751110',
  '0'.repeat(24),
  'x'.repeat(10_000),
];

describe('a hostile id', () => {
  it.each(named(withIds))('does no harm to %s', async (_, route) => {
    const headers = credentialFor(route, shared);
    const body = bodyFor(route, shared);
    const payload = body && JSON.stringify(body);
    const segments = route.url.split('/');
    for (const [position, segment] of segments.entries()) {
      if (!segment.startsWith(':')) continue;
      for (const id of ids) {
        const path = pathOf(route, shared).split('/').with(position, id).join('/');
        const status = await send(route, path, payload ? { ...headers, ...json } : headers, payload);
        expect(status, path).toBe(segment === ':workspaceId' ? 403 : 404);
      }
      const undecodable = pathOf(route, shared).split('/').with(position, '%E0%A4%A').join('/');
      expect(await send(route, undecodable, headers), undecodable).toBe(400);
    }
  });
});

describe('hostile headers', () => {
  const longText = 'x'.repeat(10_000);
  const sets: Headers[] = [
    {
      'Idempotency-Key': longText,
      'If-Match': longText,
      'If-None-Match': `${'"x",'.repeat(2_000)}*`,
      'X-Trace-Id': '<script>alert(1)</script>',
      Cookie: 'session=%E0%A4%A; session=; =; __proto__=x; session',
      Accept: 'application/xml;q=bad',
      'Accept-Encoding': 'nonsense;q=9',
      'Accept-Version': '99',
      Origin: 'null',
    },
    {
      'Idempotency-Key': '\u00ff\u00fe$where{}',
      'If-Match': 'W/"+275760-09-14T00:00:00.000Z-65b8c47f4e2cfc1df3a75111", *, "',
      'X-Forwarded-For': `${'1.2.3.4,'.repeat(500)}nonsense`,
      'X-HTTP-Method-Override': 'DELETE',
      Range: 'bytes=0-0',
      Expect: 'nonsense',
    },
  ];

  it.each(named(routes))('do no harm to %s', async (_, route) => {
    // What changes a person's session or workspace does so in a world of its own.
    const world = isPortal(route) && route.method !== 'GET' ? await buildWorld(server) : shared;
    const url = pathOf(route, world, {});
    const body = bodyFor(route, world);
    const payload = body && JSON.stringify(body);
    for (const headers of sets) {
      const credential = credentialFor(route, world);
      await send(route, url, { ...credential, ...(payload ? json : {}), ...headers }, payload);
    }
    if (route.access === 'public') return;
    for (const credential of ['Bearer ', 'Bearer a b', `Bearer ${longText}`, 'Bearer ..', 'Basic x', '']) {
      expect(await send(route, url, { Authorization: credential, 'X-API-Key': longText })).toBe(401);
    }
  });
});
