import supertest, { type Test } from 'supertest';
import { type Account, buildAccount } from './accounts.ts';
import { buildApiKey, type TestServer } from './app.ts';

type Method = 'get' | 'post' | 'put' | 'delete';
export type Automate8Api = Record<Method, (path: string, body?: object) => Test>;

/** Requests to the contract below its base: `api.get('/api/tags')`. */
export function automate8(server: TestServer, headers: Record<string, string>): Automate8Api {
  const make = (method: Method) => (path: string, body?: object) => {
    const request = supertest(server.app.server)[method](`/automate8${path}`).set(headers);
    return body === undefined ? request : request.send(body);
  };
  return { get: make('get'), post: make('post'), put: make('put'), delete: make('delete') };
}

export interface Automate8Client {
  account: Account;
  workspaceId: string;
  apiKey: string;
  keyId: string;
  /** With a key that has every permission. */
  api: Automate8Api;
  /** With the JWT of the workspace's admin. */
  person: Automate8Api;
}

/** A workspace with its admin and a key of the contract. */
export async function buildAutomate8(
  server: TestServer,
  key: Parameters<typeof buildApiKey>[2] = {},
): Promise<Automate8Client> {
  const account = await buildAccount(server);
  const { apiKey, keyId } = await buildApiKey(server, account.workspaceId, { kind: 'automate8', ...key });
  return {
    account,
    workspaceId: account.workspaceId,
    apiKey,
    keyId,
    api: automate8(server, { Authorization: `Bearer ${apiKey}` }),
    person: automate8(server, { Authorization: `Bearer ${account.token}` }),
  };
}

/**
 * What an answer lacks of a documented example: every field is there, with a value of the same type or null; every item
 * of a list is like the example's first.
 */
export function lacks(example: unknown, actual: unknown, at = 'answer'): string[] {
  if (example === null || (actual === null && at !== 'answer')) return [];
  if (Array.isArray(example)) {
    if (!Array.isArray(actual)) return [`${at} is no list`];
    return actual.flatMap((item, index) =>
      example.length > 0 ? lacks(example[0], item, `${at}[${index}]`) : [],
    );
  }
  if (typeof example !== 'object') {
    const isTime = (value: unknown) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(value);
    if (typeof actual !== typeof example) return [`${at} is ${typeof actual}, not ${typeof example}`];
    return isTime(example) && !isTime(actual) ? [`${at} is no time`] : [];
  }
  if (typeof actual !== 'object' || actual === undefined) return [`${at} is no object`];
  return Object.entries(example).flatMap(([name, value]) =>
    Object.hasOwn(actual as object, name)
      ? lacks(value, (actual as Record<string, unknown>)[name], `${at}.${name}`)
      : [`${at}.${name} is missing`],
  );
}

export const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/;
