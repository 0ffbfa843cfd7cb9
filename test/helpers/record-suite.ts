import { describe, expect, it } from 'vitest';
import { ObjectId } from '../../src/lib/ids.ts';
import type { Scope } from '../../src/tenancy/actor.ts';
import {
  type Api,
  apiOf,
  buildApiKey,
  buildTenant,
  type Tenant,
  type TestServer,
  workspacePath,
} from './app.ts';
import { followSync } from './sync.ts';

type Body = Record<string, unknown>;
type Method = 'get' | 'post' | 'put' | 'patch';

interface StoredRecord extends Body {
  _id: string;
  createdAt: string;
  updatedAt: string;
}

/** An operation as the access tests need it; `:id` in the path stands for a record. */
export interface Operation {
  method: Method;
  path: string;
  scope: Scope;
}

/** What an entity's tests have to say about it, where everything else is the same for all. */
export interface RecordSpec {
  path: string;
  label: string;
  read: Scope;
  write: Scope;
  /** A valid body, another one each time. */
  build(tenant: Tenant): Promise<Body> | Body;
  /** A PATCH body; another value for each number. */
  change(n: number): Body;
  /** Fields that a body has to have. */
  required: string[];
  /** A field, and a value that it can't have. */
  invalid: [field: string, value: unknown][];
  /** Operations besides those that every entity has. */
  operations: Operation[];
  /** What an archived record shows besides. */
  archived?: Body;
}

const unknownId = '65b8c47f4e2cfc1df3a75111';

/** Tests of what every entity promises: access, create, list, get, change, archive, recent, sync. */
export function describeRecord(server: TestServer, spec: RecordSpec): void {
  const create = async (tenant: Tenant): Promise<{ body: Body; record: StoredRecord }> => {
    const body = await spec.build(tenant);
    const answer = await tenant.api.post(spec.path).send(body);
    expect(answer.status, answer.text).toBe(201);
    return { body, record: answer.body.data };
  };
  const suite: Suite = { server, spec, create };
  describeAccess(suite);
  describeCreate(suite);
  describeIdempotency(suite);
  describeList(suite);
  describeGet(suite);
  describeChange(suite, 'put');
  describeChange(suite, 'patch');
  describeArchive(suite);
  describeRecent(suite);
  describeSync(suite);
}

interface Suite {
  server: TestServer;
  spec: RecordSpec;
  create(tenant: Tenant): Promise<{ body: Body; record: StoredRecord }>;
}

function describeAccess({ server, spec, create }: Suite): void {
  const { path, read, write } = spec;
  const operations: Operation[] = [
    { method: 'get', path, scope: read },
    { method: 'post', path, scope: write },
    { method: 'get', path: `${path}/sync`, scope: read },
    { method: 'get', path: `${path}/recent`, scope: read },
    { method: 'get', path: `${path}/:id`, scope: read },
    { method: 'put', path: `${path}/:id`, scope: write },
    { method: 'patch', path: `${path}/:id`, scope: write },
    { method: 'post', path: `${path}/:id/archive`, scope: write },
    ...spec.operations,
  ];
  const send = (api: Api, { method, path }: Operation, id: string, body: Body) => {
    const request = api[method](path.replace(':id', id));
    return method === 'get' ? request : request.send(body);
  };

  describe.each(operations)('$method $path', (operation) => {
    it('is closed without a credential, without the scope, and to other workspaces', async () => {
      const tenant = await buildTenant(server);
      const { record, body } = await create(tenant);
      const others = server.ctx.scopes.filter((scope) => scope !== operation.scope);
      const { apiKey } = await buildApiKey(server, tenant.workspaceId, { scopes: others });
      const stranger = await buildTenant(server);
      const base = workspacePath(tenant.workspaceId);
      const statusFor = async (headers: Record<string, string>) => {
        const answer = await send(apiOf(server, base, headers), operation, record._id, body);
        expect(answer.body).toEqual({ success: false, error: expect.any(String) });
        return answer.status;
      };
      expect(await statusFor({})).toBe(401);
      expect(await statusFor({ 'X-API-Key': 'crm_unknown' })).toBe(401);
      expect(await statusFor({ 'X-API-Key': apiKey })).toBe(403);
      expect(await statusFor({ 'X-API-Key': stranger.apiKey })).toBe(403);
    });
  });

  describe.each(operations.filter((operation) => operation.path.includes(':id')))(
    '$method $path',
    (operation) => {
      it('answers 404 to an unknown id, a malformed one, and one of another workspace', async () => {
        const tenant = await buildTenant(server);
        const { body } = await create(tenant);
        const { record: foreign } = await create(await buildTenant(server));
        const ids = [unknownId, foreign._id, 'nonsense', '65b8c47f4e2c', `${unknownId}0`, '$ne', '__proto__'];
        for (const id of ids) {
          const answer = await send(tenant.api, operation, id, body);
          const expected = { success: false, error: `${spec.label} not found` };
          expect({ id, status: answer.status, body: answer.body }).toEqual({
            id,
            status: 404,
            body: expected,
          });
        }
      });
    },
  );
}

function describeCreate({ server, spec }: Suite): void {
  describe(`POST ${spec.path}`, () => {
    it('creates a record that GET answers the same', async () => {
      const tenant = await buildTenant(server);
      const body = await spec.build(tenant);
      const answer = await tenant.api.post(spec.path).send(body);
      expect(answer.status).toBe(201);
      expect(answer.body).toMatchObject({
        success: true,
        data: { ...body, workspaceId: tenant.workspaceId },
      });
      const { _id: id, createdAt, updatedAt } = answer.body.data;
      expect(id).toMatch(/^[0-9a-f]{24}$/);
      expect(createdAt).toBe(updatedAt);
      expect(answer.headers.etag).toBe(`W/"${updatedAt}-${id}"`);
      const read = await tenant.api.get(`${spec.path}/${id}`);
      expect(read.status).toBe(200);
      expect(read.body).toEqual(answer.body);
    });

    it.each(spec.required)('demands %s', async (field) => {
      const tenant = await buildTenant(server);
      const { [field]: _, ...body } = await spec.build(tenant);
      const answer = await tenant.api.post(spec.path).send(body);
      expect(answer.status).toBe(422);
      expect(answer.body).toMatchObject({ success: false, details: { [field]: [expect.any(String)] } });
    });

    it.each(invalidValues(spec))('refuses $title', async ({ field, value }) => {
      const tenant = await buildTenant(server);
      const answer = await tenant.api.post(spec.path).send({ ...(await spec.build(tenant)), [field]: value });
      expect(answer.status).toBe(422);
      expect(answer.body).toMatchObject({ success: false, error: 'Validation failed' });
      expect(Object.keys(answer.body.details).map((path) => path.split('.')[0])).toContain(field);
      expect((await tenant.api.get(spec.path)).body.data).toEqual([]);
    });

    it('refuses what is no JSON object', async () => {
      const { api } = await buildTenant(server);
      const send = (text: string, type = 'application/json') =>
        api.post(spec.path).set('Content-Type', type).send(text);
      expect((await send('{"name":')).status).toBe(400);
      expect((await send('name=x', 'application/x-www-form-urlencoded')).status).toBe(415);
      expect((await send(JSON.stringify({ name: 'x'.repeat(1_100_000) }))).status).toBe(413);
      for (const text of ['[]', '"x"', '1', 'null', '']) expect((await send(text)).status).toBe(422);
      expect((await api.get(spec.path)).body.data).toEqual([]);
    });

    it('takes no fields that the store keeps', async () => {
      const tenant = await buildTenant(server);
      const forged = {
        _id: unknownId,
        workspaceId: unknownId,
        createdAt: '2001-01-01T00:00:00.000Z',
        updatedAt: '2001-01-01T00:00:00.000Z',
        archivedAt: '2001-01-01T00:00:00.000Z',
      };
      const answer = await tenant.api.post(spec.path).send({ ...(await spec.build(tenant)), ...forged });
      expect(answer.status).toBe(201);
      expect(answer.body.data).not.toHaveProperty('archivedAt');
      for (const [name, value] of Object.entries(forged)) expect(answer.body.data[name]).not.toBe(value);
    });
  });
}

/** Required fields can be nothing, an operator or empty no more than what the entity says itself. */
function invalidValues(spec: RecordSpec): { title: string; field: string; value: unknown }[] {
  const ofRequired = spec.required.flatMap((field) => [null, { $gt: '' }, ''].map((value) => [field, value]));
  return [...(ofRequired as RecordSpec['invalid']), ...spec.invalid].map(([field, value]) => ({
    title: `${field} = ${JSON.stringify(value).slice(0, 40)}`,
    field,
    value,
  }));
}

function describeIdempotency({ server, spec }: Suite): void {
  describe(`POST ${spec.path} with an Idempotency-Key`, () => {
    const post = (api: Api, key: string, body: Body) =>
      api.post(spec.path).set('Idempotency-Key', key).send(body);

    it('makes one record of 50 parallel requests', async () => {
      const tenant = await buildTenant(server);
      const body = await spec.build(tenant);
      const answers = await Promise.all(Array.from({ length: 50 }, () => post(tenant.api, 'once', body)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      const replayed = answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true');
      expect(replayed).toHaveLength(49);
      expect((await tenant.api.get(spec.path)).body.data).toHaveLength(1);
    });

    it('replays the original answer after the record has changed', async () => {
      const tenant = await buildTenant(server);
      const body = await spec.build(tenant);
      const first = await post(tenant.api, 'once', body);
      const recordPath = `${spec.path}/${first.body.data._id}`;
      await tenant.api.patch(recordPath).send(spec.change(1));
      await tenant.api.patch(recordPath).send(spec.change(2));
      await tenant.api.post(`${recordPath}/archive`);
      const retry = await post(tenant.api, 'once', body);
      expect(retry.status).toBe(201);
      expect(retry.headers['idempotency-replayed']).toBe('true');
      expect(retry.headers.etag).toBe(first.headers.etag);
      expect(retry.text).toBe(first.text);
    });

    it('refuses a key that was used with another body, and one that is too long', async () => {
      const tenant = await buildTenant(server);
      await post(tenant.api, 'k'.repeat(128), await spec.build(tenant));
      const other = await post(tenant.api, 'k'.repeat(128), await spec.build(tenant));
      const long = await post(tenant.api, 'k'.repeat(129), await spec.build(tenant));
      for (const { status, body } of [other, long]) {
        expect(status).toBe(422);
        expect(body.details).toEqual({ 'Idempotency-Key': [expect.any(String)] });
      }
    });

    it('frees the key after 24 hours', async () => {
      const tenant = await buildTenant(server);
      const first = await post(tenant.api, 'daily', await spec.build(tenant));
      await server.ctx.db
        .tenant(spec.path.slice(1))
        .updateOne(
          new ObjectId(tenant.workspaceId),
          { _id: new ObjectId(first.body.data._id as string) },
          { $set: { 'idempotency.at': new Date(Date.now() - 25 * 3_600_000) } },
        );
      const body = await spec.build(tenant);
      const answers = await Promise.all(Array.from({ length: 5 }, () => post(tenant.api, 'daily', body)));
      expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(201));
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect(answers[0]?.body.data._id).not.toBe(first.body.data._id);
    });

    it('is another key in another workspace', async () => {
      const [one, two] = [await buildTenant(server), await buildTenant(server)];
      const first = await post(one.api, 'same', await spec.build(one));
      const second = await post(two.api, 'same', await spec.build(two));
      expect([first.status, second.status]).toEqual([201, 201]);
      expect(second.headers).not.toHaveProperty('idempotency-replayed');
      expect(second.body.data._id).not.toBe(first.body.data._id);
    });
  });
}

/** Every page from `query` on. */
async function readPages(api: Api, path: string, cursor: string | null = null): Promise<StoredRecord[][]> {
  const pages: StoredRecord[][] = [];
  let next = cursor;
  do {
    const separator = path.includes('?') ? '&' : '?';
    const { body } = await api.get(next ? `${path}${separator}cursor=${next}` : path);
    pages.push(body.data);
    next = body.nextCursor;
  } while (next);
  return pages;
}

const idsOf = (records: StoredRecord[]): string[] => records.map(({ _id: id }) => id);

function describeList({ server, spec, create }: Suite): void {
  const createMany = async (tenant: Tenant, count: number): Promise<StoredRecord[]> => {
    const records: StoredRecord[] = [];
    for (let n = 0; n < count; n += 1) records.unshift((await create(tenant)).record);
    return records;
  };

  describe(`GET ${spec.path}`, () => {
    it('lists newest first, page by page, and each record once', async () => {
      const tenant = await buildTenant(server);
      const newestFirst = await createMany(tenant, 5);
      expect((await tenant.api.get(spec.path)).body).toEqual({
        success: true,
        data: newestFirst,
        nextCursor: null,
      });
      const pages = await readPages(tenant.api, `${spec.path}?limit=2`);
      expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
      expect(pages.flat()).toEqual(newestFirst);
      const oldestFirst = await readPages(tenant.api, `${spec.path}?limit=2&sort=createdAt`);
      expect(oldestFirst.flat()).toEqual(newestFirst.toReversed());
    });

    it('stays where it was while records are inserted', async () => {
      const tenant = await buildTenant(server);
      const newestFirst = await createMany(tenant, 5);
      const first = await tenant.api.get(`${spec.path}?limit=2`);
      await createMany(tenant, 3);
      const others = await readPages(tenant.api, `${spec.path}?limit=2`, first.body.nextCursor);
      expect([...first.body.data, ...others.flat()]).toEqual(newestFirst);
    });

    it('has ten records on a page unless the limit says otherwise', async () => {
      const tenant = await buildTenant(server);
      await createMany(tenant, 11);
      const { body } = await tenant.api.get(spec.path);
      expect(body.data).toHaveLength(10);
      expect(body.nextCursor).toEqual(expect.any(String));
      expect((await tenant.api.get(`${spec.path}?limit=100`)).body.data).toHaveLength(11);
    });

    it('filters by time and by being archived', async () => {
      const tenant = await buildTenant(server);
      const [third, second, first] = (await createMany(tenant, 3)) as [
        StoredRecord,
        StoredRecord,
        StoredRecord,
      ];
      const listed = async (query: Record<string, string>) =>
        idsOf((await tenant.api.get(`${spec.path}?${new URLSearchParams(query)}`)).body.data);
      expect(await listed({ createdAfter: second.createdAt })).toEqual([third._id, second._id]);
      expect(await listed({ createdBefore: second.createdAt })).toEqual([first._id]);
      await tenant.api.patch(`${spec.path}/${first._id}`).send(spec.change(1));
      expect(await listed({ updatedAfter: third.updatedAt })).toEqual([first._id]);
      expect(await listed({ sort: '-updatedAt' })).toEqual([first._id, third._id, second._id]);
      expect(await listed({ sort: 'updatedAt' })).toEqual([second._id, third._id, first._id]);
      await tenant.api.post(`${spec.path}/${second._id}/archive`);
      expect(await listed({})).toEqual([third._id, first._id]);
      expect(await listed({ archived: 'true' })).toEqual([second._id]);
    });

    it.each([
      'limit=0',
      'limit=101',
      'limit=-1',
      'limit=1.5',
      'limit=ten',
      'limit=99999999999999999999',
      'cursor=garbage',
      'cursor=e30',
      'cursor=bnVsbA',
      'sort=shoeSize',
      'archived=maybe',
      'createdAfter=yesterday',
      'q=',
    ])('refuses %s', async (query) => {
      const { api } = await buildTenant(server);
      const answer = await api.get(`${spec.path}?${query}`);
      expect(answer.status).toBe(422);
      expect(answer.body).toMatchObject({ success: false, error: 'Validation failed' });
      expect(Object.keys(answer.body.details)).toEqual([query.split('=')[0]]);
    });

    it('refuses a parameter that is given twice', async () => {
      const { api } = await buildTenant(server);
      expect((await api.get(`${spec.path}?limit=1&limit=2`)).status).toBe(422);
      expect((await api.get(`${spec.path}?fields.x=1&fields.x=2`)).status).toBe(422);
    });
  });
}

function describeGet({ server, spec, create }: Suite): void {
  describe(`GET ${spec.path}/:id`, () => {
    it('answers 304 while the record is as the caller knows it', async () => {
      const tenant = await buildTenant(server);
      const { record } = await create(tenant);
      const recordPath = `${spec.path}/${record._id}`;
      const etag = `W/"${record.updatedAt}-${record._id}"`;
      const read = (ifNoneMatch: string) => tenant.api.get(recordPath).set('If-None-Match', ifNoneMatch);
      for (const header of [etag, `"other", ${etag}`, '*', etag.replace('W/', '')]) {
        const answer = await read(header);
        expect(answer.status).toBe(304);
        expect(answer.headers.etag).toBe(etag);
        expect(answer.text).toBe('');
      }
      expect((await read('"other"')).status).toBe(200);
      await tenant.api.patch(recordPath).send(spec.change(1));
      const changed = await read(etag);
      expect(changed.status).toBe(200);
      expect(changed.headers.etag).not.toBe(etag);
    });

    it('takes the id in any case', async () => {
      const tenant = await buildTenant(server);
      const { record } = await create(tenant);
      const answer = await tenant.api.get(`${spec.path}/${record._id.toUpperCase()}`);
      expect(answer.body.data).toEqual(record);
    });
  });
}

function describeChange({ server, spec, create }: Suite, method: 'put' | 'patch'): void {
  describe(`${method.toUpperCase()} ${spec.path}/:id`, () => {
    const prepare = async () => {
      const tenant = await buildTenant(server);
      const { body, record } = await create(tenant);
      const send = (n: number, headers: Record<string, string> = {}) =>
        tenant.api[method](`${spec.path}/${record._id}`)
          .set(headers)
          .send(method === 'put' ? { ...body, ...spec.change(n) } : spec.change(n));
      return { ...tenant, body, record, send, recordPath: `${spec.path}/${record._id}` };
    };

    it('changes what is given and leaves the rest', async () => {
      const { api, record, recordPath, send } = await prepare();
      const answer = await send(1);
      expect(answer.status).toBe(200);
      const { updatedAt } = answer.body.data;
      expect(answer.body).toEqual({ success: true, data: { ...record, ...spec.change(1), updatedAt } });
      expect(updatedAt > record.updatedAt).toBe(true);
      expect(answer.headers.etag).toBe(`W/"${updatedAt}-${record._id}"`);
      expect((await api.get(recordPath)).body).toEqual(answer.body);
    });

    it('leaves the record alone when nothing would change', async () => {
      const { send } = await prepare();
      const first = await send(1);
      const second = await send(1);
      expect(second.status).toBe(200);
      expect(second.body).toEqual(first.body);
      expect(second.headers.etag).toBe(first.headers.etag);
    });

    it('raises updatedAt with every change', async () => {
      const { send } = await prepare();
      const times: string[] = [];
      for (let n = 1; n <= 20; n += 1) times.push((await send(n)).body.data.updatedAt);
      expect(times).toEqual([...new Set(times)].toSorted());
    });

    it('keeps to If-Match', async () => {
      const { api, recordPath, record, send } = await prepare();
      const etag = `W/"${record.updatedAt}-${record._id}"`;
      expect((await send(1, { 'If-Match': etag })).status).toBe(200);
      const stale = await send(2, { 'If-Match': etag });
      expect(stale.status).toBe(412);
      expect(stale.body).toEqual({ success: false, error: expect.any(String) });
      expect((await send(2, { 'If-Match': 'garbage' })).status).toBe(412);
      expect((await send(2, { 'If-Match': `W/"${record.updatedAt}-${unknownId}"` })).status).toBe(412);
      expect((await api.get(recordPath)).body.data).toMatchObject(spec.change(1));
      expect((await send(2, { 'If-Match': '*' })).status).toBe(200);
      const current = (await api.get(recordPath)).headers.etag ?? '';
      expect((await send(3, { 'If-Match': `"other", ${current}` })).status).toBe(200);
    });

    it('lets one of many writers with the same ETag win', async () => {
      const { api, recordPath, record, send } = await prepare();
      const etag = `W/"${record.updatedAt}-${record._id}"`;
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, n) => send(n + 1, { 'If-Match': etag })),
      );
      const winners = answers.filter(({ status }) => status === 200);
      expect(winners).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 412)).toHaveLength(9);
      expect((await api.get(recordPath)).body).toEqual(winners[0]?.body);
    });

    it('refuses an archived record and an invalid body', async () => {
      const { api, body, record, recordPath, send } = await prepare();
      for (const [field, value] of spec.invalid) {
        const answer = await api[method](recordPath).send({ ...body, [field]: value });
        expect({ field, value, status: answer.status }).toEqual({ field, value, status: 422 });
      }
      expect((await api[method](recordPath).send([])).status).toBe(422);
      expect((await api.get(recordPath)).body.data).toEqual(record);
      await api.post(`${recordPath}/archive`);
      const answer = await send(1);
      expect(answer.status).toBe(409);
      expect(answer.body).toEqual({ success: false, error: `${spec.label} is archived` });
    });
  });
}

function describeArchive({ server, spec, create }: Suite): void {
  describe(`POST ${spec.path}/:id/archive`, () => {
    it('archives once, however often it is asked', async () => {
      const tenant = await buildTenant(server);
      const { record } = await create(tenant);
      const recordPath = `${spec.path}/${record._id}`;
      const archived = { success: true, message: `${spec.label} archived successfully` };
      const answers = await Promise.all(
        Array.from({ length: 5 }, () => tenant.api.post(`${recordPath}/archive`)),
      );
      for (const { status, body } of answers)
        expect({ status, body }).toEqual({ status: 200, body: archived });
      const read = await tenant.api.get(recordPath);
      expect(read.status).toBe(200);
      const { archivedAt, updatedAt } = read.body.data;
      expect(read.body.data).toEqual({ ...record, ...spec.archived, archivedAt, updatedAt });
      expect(archivedAt >= record.createdAt).toBe(true);
      expect((await tenant.api.post(`${recordPath}/archive`)).body).toEqual(archived);
      expect((await tenant.api.get(recordPath)).body).toEqual(read.body);
      expect((await tenant.api.get(spec.path)).body.data).toEqual([]);
    });
  });
}

function describeRecent({ server, spec, create }: Suite): void {
  describe(`GET ${spec.path}/recent`, () => {
    it('lists what was created in the last hours, newest first', async () => {
      const tenant = await buildTenant(server);
      const { record: first } = await create(tenant);
      const { record: second } = await create(tenant);
      const { body } = await tenant.api.get(`${spec.path}/recent?hours=1`);
      expect(body).toEqual({ success: true, data: [second, first], nextCursor: null });
      const pages = await readPages(tenant.api, `${spec.path}/recent?limit=1`);
      expect(pages.flat()).toEqual([second, first]);
    });

    it.each(['hours=0', 'hours=x', 'hours=9999', 'limit=0', 'limit=101', 'cursor=x'])(
      'refuses %s',
      async (query) => {
        const { api } = await buildTenant(server);
        expect((await api.get(`${spec.path}/recent?${query}`)).status).toBe(422);
      },
    );
  });
}

function describeSync({ server, spec, create }: Suite): void {
  describe(`GET ${spec.path}/sync`, () => {
    it('shows the final version of everything to a reader beside four writers', async () => {
      const tenant = await buildTenant(server);
      let hasWritten = false;
      const write = async (writer: number) => {
        const { record } = await create(tenant);
        const { record: archived } = await create(tenant);
        for (let n = 1; n <= 8; n += 1) {
          await tenant.api.patch(`${spec.path}/${record._id}`).send(spec.change(10 * writer + n));
        }
        await tenant.api.post(`${spec.path}/${archived._id}/archive`);
        return [record._id, archived._id];
      };
      const expected = new Map<string, string>();
      const reading = followSync<StoredRecord>(
        tenant.api,
        spec.path,
        (seen) =>
          hasWritten && [...expected].every(([id, updatedAt]) => seen.get(id)?.updatedAt === updatedAt),
      );
      const ids = (await Promise.all([1, 2, 3, 4].map(write))).flat();
      const finals = await Promise.all(
        ids.map(async (id) => (await tenant.api.get(`${spec.path}/${id}`)).body.data as StoredRecord),
      );
      for (const { _id: id, updatedAt } of finals) expected.set(id, updatedAt);
      hasWritten = true;
      const seen = await reading;
      expect([...seen.values()].toSorted(byId)).toEqual(finals.toSorted(byId));
    });

    it('goes up by time of change, from updated_since on', async () => {
      const tenant = await buildTenant(server);
      const { record: first } = await create(tenant);
      const { record: second } = await create(tenant);
      await tenant.api.patch(`${spec.path}/${first._id}`).send(spec.change(1));
      const isSettled = (seen: ReadonlyMap<string, StoredRecord>) =>
        seen.get(first._id)?.updatedAt !== first.updatedAt && seen.size === 2;
      const seen = await followSync<StoredRecord>(tenant.api, spec.path, isSettled);
      const { updatedAt = '' } = seen.get(first._id) ?? {};
      const pages = await readPages(tenant.api, `${spec.path}/sync?limit=1`);
      expect(idsOf(pages.flat())).toEqual([second._id, first._id]);
      const since = await tenant.api.get(`${spec.path}/sync?updated_since=${updatedAt}`);
      expect(idsOf(since.body.data)).toEqual([first._id]);
    });

    it.each(['updated_since=yesterday', 'limit=0', 'limit=101', 'cursor=x'])('refuses %s', async (query) => {
      const { api } = await buildTenant(server);
      expect((await api.get(`${spec.path}/sync?${query}`)).status).toBe(422);
    });
  });
}

const byId = (a: StoredRecord, b: StoredRecord): number => a._id.localeCompare(b._id);
