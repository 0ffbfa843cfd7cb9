import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { useServer } from '../helpers/app.ts';
import {
  buildWorld,
  credentialFor,
  isDistinct,
  listRoutes,
  pathOf,
  type RouteUnderTest,
  type World,
} from '../helpers/routes.ts';

/**
 * An answer is no larger and no dearer than the question is worth: whatever fills a request up to its limit, nobody
 * else's request waits for it, and what is wrong with it is told in brief.
 */
const stallMaxMs = 200;
const answerBytesMax = 64 * 1_024;
const formBytes = 1_024 * 1_024;
/** Of the names and brackets around a field. */
const wrappingBytesMax = 500;
/** Timers are no more precise than this. */
const resolutionMs = 5;
/** A stall counts when it comes again, and as far as this process was at work: others share the machine. */
const attempts = 3;

const routes = (await listRoutes()).filter(isDistinct);
const named = (list: RouteUnderTest[]) => list.map((route) => [route.name, route] as const);
const server = useServer();
let world: World;
beforeAll(async () => {
  world = await buildWorld(server);
});

/** As many items as fit into a text of that length. */
const fill = (item: (index: number) => string, bytes: number): string => {
  const items: string[] = [];
  for (let length = 0; ; items.push(item(items.length))) {
    length += item(items.length).length + 1;
    if (length > bytes) return items.join(',');
  }
};
const listOf = (item: string) => (bytes: number) => `[${fill(() => item, bytes - 2)}]`;
const mapOf = (value: string) => (bytes: number) => `{${fill((index) => `"k${index}":${value}`, bytes - 2)}}`;
const nested = (open: string, close: string) => (bytes: number) => {
  const depth = Math.floor((bytes - 1) / (open.length + close.length));
  return `${open.repeat(depth)}1${close.repeat(depth)}`;
};
const textOf = (character: string) => (bytes: number) =>
  `"${character.repeat((bytes - 2) / character.length)}"`;

/** The worst of each type, as JSON of about so many bytes. */
const fillings: [label: string, make: (bytes: number) => string][] = [
  ['a list of numbers', listOf('1')],
  ['a list of texts', listOf('""')],
  ['a list of objects', listOf('{}')],
  ['a list of wrong objects', listOf('{"unitId":1,"towerId":1,"type":1,"name":1,"status":1,"price":"x"}')],
  ['lists in a list', listOf('[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]')],
  ['a map of numbers', mapOf('1')],
  ['a map of objects', mapOf('{}')],
  ['a map of operators', mapOf('{"$gt":""}')],
  ['nested lists', nested('[', ']')],
  ['nested objects', nested('{"a":', '}')],
  ['a long text', textOf('x')],
  ['a long address', textOf('a@b.')],
  ['a long number', (bytes) => '9'.repeat(bytes)],
  ['spaces', textOf(' ')],
];

/** Made once for each size: a megabyte takes longer to write than to refuse. */
const made = new Map<string, string>();
function fillingOf(label: string, make: (bytes: number) => string, bytes: number): string {
  const key = `${bytes} ${label}`;
  const filling = made.get(key) ?? make(bytes);
  made.set(key, filling);
  return filling;
}

type Headers = Record<string, string>;

/** Fails when the server stalls each time, or answers at length. */
async function send(route: RouteUnderTest, url: string, headers: Headers, payload: string, label: string) {
  const stalls: number[] = [];
  for (let attempt = 0; attempt < attempts; attempt++) {
    const delay = monitorEventLoopDelay({ resolution: resolutionMs });
    delay.enable();
    await sleep(resolutionMs);
    const before = process.cpuUsage();
    const answer = await server.app.inject({
      method: route.method as 'GET',
      url,
      headers,
      ...(payload ? { payload } : {}),
    });
    // The timer that a stall has held up.
    await sleep(resolutionMs);
    delay.disable();
    const what = `${route.name} with ${label}: ${answer.statusCode} ${answer.payload.slice(0, 200)}`;
    expect(answer.statusCode, what).toBeLessThan(500);
    if (answer.statusCode >= 400)
      expect(Buffer.byteLength(answer.payload), what).toBeLessThan(answerBytesMax);
    const { user, system } = process.cpuUsage(before);
    const stallMs = Math.min(delay.max / 1e6, (user + system) / 1e3);
    if (stallMs < stallMaxMs) return;
    stalls.push(Math.round(stallMs));
  }
  throw new Error(`${route.name} with ${label} stalls everybody for ${stalls.join(', ')} ms`);
}

describe('a body that fills its limit', { timeout: 60_000 }, () => {
  it.each(named(routes.filter(({ schema }) => schema.body)))('holds nobody up at %s', async (_, route) => {
    const url = pathOf(route, world);
    const headers = { ...credentialFor(route, world), 'Content-Type': 'application/json' };
    const bytes = route.bodyLimit - 100;
    for (const [label, make] of fillings) {
      await send(route, url, headers, fillingOf(label, make, bytes), label);
    }
    for (const field of fieldsOf(route)) {
      for (const [label, make] of fillingsFor(field)) {
        const filling = fillingOf(label, make, bytes - wrappingBytesMax);
        const payload = field.path.reduceRight((inner, key) => wrap(key, inner), filling);
        await send(route, url, headers, payload, `${label} as ${field.path.join('.')}`);
      }
    }
  });
});

describe('a query that fills its limit', () => {
  const queries: [label: string, query: string][] = [
    ['many names', fill((index) => `k${index}=1`, 14_000).replaceAll(',', '&')],
    ['one name many times', 'limit=1&'.repeat(1_700)],
    ['many filters', fill((index) => `fields.k${index}=1`, 14_000).replaceAll(',', '&')],
    ['one filter many times', 'fields.a=1&'.repeat(1_200)],
    ['a long search', `q=${'a+'.repeat(6_000)}`],
    ['a long cursor', `cursor=${'e'.repeat(14_000)}`],
    ['separators', '&='.repeat(7_000)],
    ['escapes', `q=${'%41'.repeat(4_500)}`],
  ];

  it.each(named(routes.filter(({ method }) => method === 'GET')))(
    'holds nobody up at %s',
    async (_, route) => {
      const url = pathOf(route, world);
      for (const [label, query] of queries) {
        await send(route, `${url}?${query}`, credentialFor(route, world), '', label);
      }
    },
  );
});

describe('a form that fills its limit', () => {
  const forms = routes.filter(({ url, method }) => method === 'POST' && /oauth|twilio|^\/u\//.test(url));
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };

  it.each(named(forms))('holds nobody up at %s', async (_, route) => {
    const url = pathOf(route, world);
    for (const form of ['a&', 'a=1&', '%41=%41&', '&=']) {
      await send(route, url, headers, form.repeat(formBytes / form.length), form);
    }
  });
});

type Json = Record<string, unknown>;

interface Field {
  /** Names down to it; an empty one stands for the item of a list. */
  path: string[];
  type: 'array' | 'object';
}

/** What the schema lets a client repeat: its lists and its maps, at every depth. */
function fieldsOf({ schema }: RouteUnderTest): Field[] {
  const json = z.toJSONSchema(schema.body as z.ZodType, { io: 'input', unrepresentable: 'any' }) as Json;
  const definitions = (json.$defs ?? {}) as Record<string, Json>;
  const found: Field[] = [];
  const walk = (node: Json, path: string[]): void => {
    if (typeof node.$ref === 'string') walk(definitions[node.$ref.split('/').at(-1) ?? ''] ?? {}, path);
    for (const one of [node.anyOf, node.oneOf, node.allOf].flat()) if (one) walk(one as Json, path);
    if (path.length > 0 && (node.type === 'array' || node.additionalProperties)) {
      found.push({ path, type: node.type === 'array' ? 'array' : 'object' });
    }
    if (node.type === 'array') walk((node.items ?? {}) as Json, [...path, '']);
    for (const [name, one] of Object.entries((node.properties ?? {}) as Record<string, Json>)) {
      walk(one, [...path, name]);
    }
  };
  walk(json, []);
  return found.filter(
    ({ path }, index) => found.findIndex((other) => `${other.path}` === `${path}`) === index,
  );
}

const fillingsFor = ({ type }: Field) =>
  fillings.filter(([label]) => label.includes(type === 'array' ? 'list' : 'map'));

const wrap = (key: string, inner: string): string =>
  key ? `{${JSON.stringify(key)}:${inner}}` : `[${inner}]`;
