import { describe, expect, it } from 'vitest';
import { buildLead, buildTenant, useServer } from '../helpers/app.ts';

const server = useServer();

async function buildRecord() {
  const { api } = await buildTenant(server);
  const { body, headers } = await api.post('/leads').send(buildLead());
  return { api, path: `/leads/${body.data._id}`, etag: headers.etag ?? '', data: body.data };
}

describe('ETag', () => {
  it('names the last change and the record', async () => {
    const { api, path, etag, data } = await buildRecord();
    expect(etag).toBe(`W/"${data.updatedAt}-${data._id}"`);
    expect((await api.get(path)).headers.etag).toBe(etag);
    const changed = await api.patch(path).send({ city: 'Pune' });
    expect(changed.headers.etag).toBe(`W/"${changed.body.data.updatedAt}-${data._id}"`);
    expect(changed.headers.etag).not.toBe(etag);
  });
});

describe('If-None-Match', () => {
  it.each([
    ['the tag', (etag: string) => etag, 304],
    ['the strong form', (etag: string) => etag.slice(2), 304],
    ['a list', (etag: string) => `"x", ${etag} ,"y"`, 304],
    ['anything', () => '*', 304],
    ['another tag', () => 'W/"2026-01-01T00:00:00.000Z-65b8c47f4e2cfc1df3a75111"', 200],
    ['garbage', () => 'garbage', 200],
    ['an unquoted tag', (etag: string) => etag.slice(3, -1), 200],
  ])('of %s', async (_, header, status) => {
    const { api, path, etag } = await buildRecord();
    const answer = await api.get(path).set('If-None-Match', header(etag));
    expect(answer.status).toBe(status);
    expect(answer.headers.etag).toBe(etag);
    if (status === 304) {
      expect(answer.text).toBe('');
      expect(answer.headers).not.toHaveProperty('content-type');
      expect(answer.headers).not.toHaveProperty('content-length');
    }
  });

  it('is stale after a change', async () => {
    const { api, path, etag } = await buildRecord();
    await api.patch(path).send({ city: 'Pune' });
    expect((await api.get(path).set('If-None-Match', etag)).status).toBe(200);
  });
});

describe.each(['put', 'patch'] as const)('If-Match on %s', (method) => {
  const change = (city: string, lead: object) => (method === 'put' ? { ...lead, city } : { city });

  it('lets the present tag through and refuses a stale one', async () => {
    const { api, path, etag, data } = await buildRecord();
    const lead = { name: data.name, mobileNumber: data.mobileNumber };
    const first = await api[method](path).set('If-Match', etag).send(change('Pune', lead));
    expect(first.status).toBe(200);
    const stale = await api[method](path).set('If-Match', etag).send(change('Delhi', lead));
    expect(stale.status).toBe(412);
    expect(stale.body).toEqual({
      success: false,
      error: 'The record has changed since the version named by If-Match',
    });
    expect((await api.get(path)).body.data.city).toBe('Pune');
    expect((await api[method](path).set('If-Match', '*').send(change('Delhi', lead))).status).toBe(200);
  });

  it('lets one of many writers with the same tag win', async () => {
    const { api, path, etag, data } = await buildRecord();
    const lead = { name: data.name, mobileNumber: data.mobileNumber };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        api[method](path)
          .set('If-Match', etag)
          .send(change(`City ${index}`, lead)),
      ),
    );
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(19);
    expect((await api.get(path)).body.data.city).toBe(won[0]?.body.data.city);
  });

  it.each(['garbage', '"x"', 'W/"2026-01-01T00:00:00.000Z-65b8c47f4e2cfc1df3a75111"', ','])(
    'refuses %s',
    async (header) => {
      const { api, path, data } = await buildRecord();
      const lead = { name: data.name, mobileNumber: data.mobileNumber };
      expect((await api[method](path).set('If-Match', header).send(change('Pune', lead))).status).toBe(412);
    },
  );
});
