import { describe, expect, it } from 'vitest';
import { facetsMax } from '../../src/records/facets.ts';
import { recordBytesMax } from '../../src/records/size.ts';
import { buildLead, buildTenant, useServer } from '../helpers/app.ts';
import { createLead } from '../helpers/factories.ts';

const server = useServer();

/** Custom fields of so many KB together; one text has 20,000 characters at most. */
const essay = (kilobytes: number, name = 'part') =>
  Object.fromEntries(
    Array.from({ length: kilobytes / 10 }, (_, index) => [`${name}${index}`, 'x'.repeat(10 * 1_024)]),
  );
const tooLarge = {
  error: 'The record is too large',
  details: { body: [expect.stringMatching(/at most 256 KB/)] },
};

describe('a record', () => {
  it('is at most 256 KB as stored, however it grows', async () => {
    const tenant = await buildTenant(server);
    const { api } = tenant;
    const posted = await api.post('/leads').send(buildLead({ fields: essay(300) }));
    expect(posted.status).toBe(422);
    expect(posted.body).toMatchObject(tooLarge);

    const { _id } = await createLead(tenant, { fields: essay(100) });
    const statuses: number[] = [];
    for (let index = 0; index < 15; index += 1) {
      const answer = await api.patch(`/leads/${_id}`).send({ fields: essay(100, `more${index}_`) });
      statuses.push(answer.status);
    }
    expect(statuses).toEqual([200, ...Array(14).fill(422)]);
    const put = await api.put(`/leads/${_id}`).send(buildLead({ fields: essay(100, 'other') }));
    expect(put.body).toMatchObject(tooLarge);
    const { text: stored } = await api.get(`/leads/${_id}`);
    expect(stored.length).toBeLessThan(recordBytesMax);
    // What takes away goes through.
    expect((await api.patch(`/leads/${_id}`).send({ fields: { part0: null } })).status).toBe(200);
  });

  it('that is too large is one row in a bulk request', async () => {
    const { api } = await buildTenant(server);
    const leads = [buildLead(), buildLead({ fields: essay(300) }), buildLead()];
    const { status, body } = await api.post('/leads/bulk').send({ leads });
    expect(status).toBe(201);
    expect(body.results).toMatchObject([
      { status: 'created' },
      { status: 'error', error: expect.stringContaining('at most 256 KB') },
      { status: 'created' },
    ]);
  });

  it('at the bound is archived and converted all the same', async () => {
    const tenant = await buildTenant(server);
    const { api } = tenant;
    const { _id } = await createLead(tenant, {
      fields: essay(250),
    });
    const fillWith = (characters: number) =>
      api.patch(`/leads/${_id}`).send({ fields: { rest: 'x'.repeat(characters) } });
    let room = 6_000;
    while ((await fillWith(room)).status === 422) room -= 40;
    expect(room).toBeGreaterThan(0);
    expect((await fillWith(room + 40)).status).toBe(422);
    expect((await api.post('/customers').send({ leadId: _id, name: 'Rahul Sharma' })).status).toBe(201);
    await server.ctx.relay.idle();
    expect((await api.get(`/leads/${_id}`)).body.data.status).toBe('converted');
    expect((await api.post(`/leads/${_id}/archive`)).status).toBe(200);
  });

  it(`has at most ${facetsMax} values to search for`, async () => {
    const tenant = await buildTenant(server);
    const { api } = tenant;
    const fieldsOf = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, index]));
    const wide = buildLead({ fields: fieldsOf(900) });
    const answer = await api.post('/leads').send(wide);
    expect(answer.status).toBe(422);
    expect(answer.body.details).toEqual({ fields: [expect.stringMatching(/^At most 500 values/)] });
    const { body } = await api.post('/leads/bulk').send({ leads: [wide] });
    expect(body.results).toMatchObject([
      { status: 'error', error: expect.stringMatching(/^fields: At most/) },
    ]);
    // A few fewer, for the lead's own values count too; the same is true of what is added later.
    const { _id } = await createLead(tenant, { fields: fieldsOf(facetsMax - 20) });
    const patched = await api
      .patch(`/leads/${_id}`)
      .send({ fields: { a: ['1', '2', '3'], ...fieldsOf(facetsMax) } });
    expect(patched.status).toBe(422);
  });
});
