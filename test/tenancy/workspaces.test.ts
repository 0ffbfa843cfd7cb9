import { describe, expect, it, vi } from 'vitest';
import type { z } from 'zod';
import { contactEntity } from '../../src/features/people/contacts/record.ts';
import { customerEntity } from '../../src/features/people/customers/record.ts';
import { leadEntity } from '../../src/features/people/leads/record.ts';
import { companyEntity } from '../../src/features/sales/companies/record.ts';
import { dealEntity } from '../../src/features/sales/deals/record.ts';
import { features } from '../../src/features.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { recordRoutes } from '../../src/records/api/routes.ts';
import { recordService } from '../../src/records/api/service.ts';
import { entity } from '../../src/records/entity/entity.ts';
import { text } from '../../src/records/entity/kinds.ts';
import { workspaces } from '../../src/tenancy/workspaces/model.ts';
import {
  type Account,
  anonymous,
  buildAccount,
  buildColleague,
  buildPortalKey,
  withKey,
} from '../helpers/accounts.ts';
import { buildLead, buildTenant, startServer, useServer, workspacePath } from '../helpers/app.ts';

const server = useServer();

/** A feature that the server does not have, as one that comes with a later version. */
const shipEntity = entity({ name: 'ship', path: '/ships', fields: { name: text() } });
const ships = {
  name: 'ships',
  entities: [shipEntity],
  workspaceRoutes: [recordRoutes(recordService(shipEntity))],
};

/** An admin with a key for the public API of the same workspace. */
async function buildWorkspace() {
  const admin = await buildAccount(server);
  const { apiKey } = await buildPortalKey(admin);
  return { ...admin, api: withKey(server, admin.workspaceId, apiKey) };
}

describe('GET /api/v1/workspaces/{workspaceId}', () => {
  it('shows the workspace', async () => {
    const { api, workspaceId } = await buildWorkspace();
    const answer = await api.get('');
    expect(answer.body).toEqual({
      success: true,
      data: {
        workspaceId,
        workspaceName: 'Lakeside Homes',
        timezone: 'Asia/Kolkata',
        currency: 'INR',
        modules: expect.arrayContaining(['leads', 'properties', 'team', 'developer']),
      },
    });
    expect(answer.status).toBe(200);
  });

  it('needs metadata.read for this workspace', async () => {
    const { api, workspaceId } = await buildTenant(server, { scopes: ['lead.read'] });
    expect((await api.get('')).status).toBe(403);
    expect((await anonymous(server).get(workspacePath(workspaceId))).status).toBe(401);
    const other = await buildTenant(server);
    for (const id of [workspaceId, '65b8c47f4e2cfc1df3a75111', 'nonsense', '%00', 'x'.repeat(10_000)]) {
      const answer = await withKey(server, id, other.apiKey).get('');
      expect(answer.status).toBe(403);
      expect(answer.body).toEqual({
        success: false,
        error: 'The credential belongs to another workspace',
      });
    }
  });
});

describe('GET and PUT /api/workspaces/:workspaceId/settings', () => {
  it('shows what the public API shows', async () => {
    const { portal, api, workspaceId } = await buildWorkspace();
    const { body, status } = await portal.get('/settings');
    expect(status).toBe(200);
    expect(body.data).toEqual({
      workspaceId,
      workspaceName: 'Lakeside Homes',
      timezone: 'Asia/Kolkata',
      currency: 'INR',
      defaultCountry: 'IN',
      modules: expect.any(Array),
      leadStatuses: ['new', 'contacted', 'interested', 'lost', 'won'],
      leadStages: expect.any(Array),
      sources: ['website', 'referral', 'manual'],
      tags: [],
      propertyTypes: ['Apartment', 'Villa', 'Plot'],
    });
    const { data } = body;
    for (const [path, list] of [
      ['lead-statuses', data.leadStatuses],
      ['lead-stages', data.leadStages],
      ['sources', data.sources],
      ['tags', data.tags],
      ['property-types', data.propertyTypes],
    ]) {
      const lookup = await api.get(`/metadata/${path}`);
      expect(lookup.status).toBe(200);
      expect(lookup.body).toEqual({ success: true, data: list });
    }
  });

  it('changes everything that can be set, at once on every server', async () => {
    const { portal, workspaceId, api } = await buildWorkspace();
    const second = await startServer({}, { name: server.ctx.redisPrefix });
    try {
      const { apiKey } = await buildPortalKey({ portal } as never);
      const elsewhere = () => withKey(second, workspaceId, apiKey).get('');
      await elsewhere();
      const settings = {
        workspaceName: 'Hillside Homes',
        timezone: 'Europe/Berlin',
        currency: 'EUR',
        defaultCountry: 'DE',
        modules: ['developer', 'leads'],
        leadStatuses: ['open', 'closed'],
        leadStages: [{ stageKey: 'first', displayName: 'First', color: '#123456', position: 1 }],
        sources: ['fair'],
        tags: ['vip'],
        propertyTypes: ['House'],
      };
      const answer = await portal.put('/settings').send(settings);
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({ success: true, data: { workspaceId, ...settings } });
      expect((await portal.get('/settings')).body).toEqual(answer.body);
      await vi.waitFor(
        async () => expect((await elsewhere()).body.data.workspaceName).toBe('Hillside Homes'),
        { timeout: 1_000 },
      );
      const lead = await api.post('/leads').send(buildLead({ mobileNumber: '030 901820' }));
      expect(lead.body.data).toMatchObject({ status: 'open', leadStage: 'first' });
      expect((await api.post('/leads').send(buildLead({ mobileNumber: '+4930901820' }))).status).toBe(409);
      expect((await api.get('/team')).status).toBe(403);
    } finally {
      await second.close();
    }
  });

  it('leaves out what is not given', async () => {
    const { portal } = await buildWorkspace();
    const before = (await portal.get('/settings')).body.data;
    const answer = await portal.put('/settings').send({ currency: 'usd' });
    expect(answer.body.data).toEqual({ ...before, currency: 'USD' });
    expect((await portal.put('/settings').send({})).body.data).toEqual({ ...before, currency: 'USD' });
  });

  it('keeps stages in the order of their positions', async () => {
    const { portal, api } = await buildWorkspace();
    const leadStages = [
      { stageKey: 'late', displayName: 'Late', position: 9 },
      { stageKey: 'early', displayName: 'Early' },
    ];
    await portal.put('/settings').send({ leadStages }).expect(200);
    expect((await api.get('/metadata/lead-stages')).body.data).toEqual([
      { stageKey: 'early', displayName: 'Early', position: 2 },
      { stageKey: 'late', displayName: 'Late', position: 9 },
    ]);
    const lead = await api.post('/leads').send(buildLead());
    expect(lead.body.data.leadStage).toBe('early');
  });

  it.each([
    ['an empty name', { workspaceName: '' }, 'workspaceName'],
    ['a wrong time zone', { timezone: 'Mars/Olympus' }, 'timezone'],
    ['an offset as time zone', { timezone: '+05:30' }, 'timezone'],
    ['a wrong currency', { currency: 'RUPEE' }, 'currency'],
    ['an unknown country', { defaultCountry: 'XX' }, 'defaultCountry'],
    ['an unknown module', { modules: ['leads', 'payroll'] }, 'modules.1'],
    ['no statuses', { leadStatuses: [] }, 'leadStatuses'],
    ['no stages', { leadStages: [] }, 'leadStages'],
    [
      'a repeated stage',
      { leadStages: ['One', 'Two'].map((displayName) => ({ stageKey: 'a', displayName })) },
      'leadStages',
    ],
    ['too many tags', { tags: Array.from({ length: 2_001 }, (_, i) => `tag ${i}`) }, 'tags'],
    ['tags of another type', { tags: [{ $ne: '' }] }, 'tags.0'],
    ['null', { currency: null }, 'currency'],
  ])('refuses %s and changes nothing', async (_, settings, field) => {
    const { portal } = await buildWorkspace();
    const before = (await portal.get('/settings')).body;
    const answer = await portal.put('/settings').send({ propertyTypes: ['Castle'], ...settings });
    expect(answer.status).toBe(422);
    expect(Object.keys(answer.body.details)).toEqual([field]);
    expect((await portal.get('/settings')).body).toEqual(before);
  });

  it('is read by every member and changed by admins', async () => {
    const admin = await buildAccount(server);
    const agent = await buildColleague(server, admin, 'agent');
    expect((await agent.portal.get('/settings')).status).toBe(200);
    expect((await agent.portal.put('/settings').send({ currency: 'USD' })).status).toBe(403);
  });
});

describe('the modules of a workspace', () => {
  const modulesOfAdmin = async ({ portal }: Pick<Account, 'portal'>): Promise<string[]> =>
    (await portal.get('/settings')).body.data.modules;
  const store = (workspaceId: string, update: object) =>
    workspaces(server.ctx.db).updateOne({ _id: new ObjectId(workspaceId) }, update);
  /** As every workspace was stored before modules could come. */
  const modulesOfOld = 'leads properties contacts customers tasks team webhooks whatsapp messages developer';

  it('are all that there are, until some are switched off', async () => {
    const { portal } = await buildWorkspace();
    expect(await modulesOfAdmin({ portal })).toEqual(server.ctx.modules);
    await portal.put('/settings').send({ modules: ['leads'] });
    expect(await modulesOfAdmin({ portal })).toEqual(['leads']);
    await portal.put('/settings').send({ modules: [...server.ctx.modules].reverse() });
    expect(await modulesOfAdmin({ portal })).toEqual(server.ctx.modules);
  });

  it.each([
    ['stored from before, with all that there were', true, { modules: modulesOfOld.split(' ') }],
    ['stored from before, with some switched off', false, { modules: ['leads', 'team'] }],
    ['that has switched none off', true, undefined],
    ['that has switched some off', false, { chosenModules: modulesOfOld.split(' ') }],
  ])('in a workspace %s: whether one that comes later is on is %s', async (_, isOn, stored) => {
    const later = await startServer({}, { features: [...features, ships], name: server.ctx.redisPrefix });
    try {
      const admin = await buildAccount(later);
      if (stored) await store(admin.workspaceId, { $set: stored });
      await later.ctx.cache.invalidate(`workspace:${admin.workspaceId}`);
      const modules = await modulesOfAdmin(admin);
      expect(modules.includes('ships')).toBe(isOn);
      expect((await admin.portal.get('/ships')).status).toBe(isOn ? 200 : 403);
      expect((await admin.portal.get('/leads')).status).toBe(200);
      expect(modules).toEqual(isOn ? later.ctx.modules : Object.values(stored ?? {}).flat());
    } finally {
      await later.close();
    }
  });
});

describe('the lists of a workspace', () => {
  it('learn tags and sources from the records that use them', async () => {
    const { api } = await buildTenant(server);
    await api
      .post('/leads')
      .send(buildLead({ tags: ['hot'], source: 'expo' }))
      .expect(201);
    expect((await api.get('/metadata/tags')).body.data).toEqual(['hot']);
    expect((await api.get('/metadata/sources')).body.data).toEqual(['website', 'referral', 'manual', 'expo']);
  });
});

describe('POST /api/workspaces/:workspaceId/fields', () => {
  const field = { entity: 'lead', fieldKey: 'budget_band', displayName: 'Budget band', type: 'select' };

  it('adds a field, which schema discovery shows and creates enforce', async () => {
    const { portal, api } = await buildWorkspace();
    const body = { ...field, required: true, options: ['low', 'high'] };
    const answer = await portal.post('/fields').send(body);
    expect(answer.body).toEqual({ success: true, data: body });
    expect(answer.status).toBe(201);
    const { leadFields, contactFields } = (await api.get('/schema')).body.data;
    const { entity: _, ...definition } = body;
    expect(leadFields.at(-1)).toEqual({ ...definition, isCustom: true });
    expect(contactFields.every(({ isCustom }: { isCustom: boolean }) => !isCustom)).toBe(true);

    const create = (fields?: object) => api.post('/leads').send(buildLead({ fields }));
    expect((await create()).body.details).toEqual({ 'fields.budget_band': ['Required'] });
    expect((await create({ budget_band: 'medium' })).status).toBe(422);
    expect((await create({ budget_band: 'low' })).status).toBe(201);
  });

  it('keeps keys apart by entity, and each once', async () => {
    const { portal } = await buildWorkspace();
    const answers = await Promise.all([field, field, field].map((body) => portal.post('/fields').send(body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expect((await portal.post('/fields').send({ ...field, entity: 'contact' })).status).toBe(201);
    const listed = await portal.get('/fields');
    expect(listed.body.data).toEqual([
      { ...field, required: false, options: [] },
      { ...field, entity: 'contact', required: false, options: [] },
    ]);
    expect((await portal.get('/fields?entity=contact')).body.data).toHaveLength(1);
    expect((await portal.get('/fields?entity=payroll')).status).toBe(422);
  });

  it.each(['customField_123', 'X', 'a'.repeat(64), 'constructor', 'toString', '0'])(
    'takes the key %s',
    async (fieldKey) => {
      const { portal, api } = await buildWorkspace();
      const created = await portal.post('/fields').send({ ...field, type: 'text', fieldKey, required: true });
      expect(created.status).toBe(201);
      expect((await api.post('/leads').send(buildLead())).status).toBe(422);
      const lead = await api.post('/leads').send(buildLead({ fields: { [fieldKey]: 'value' } }));
      expect(lead.status).toBe(201);
      expect(lead.body.data.fields).toEqual({ [fieldKey]: 'value' });
    },
  );

  it.each([
    ['a path', { fieldKey: 'a.b' }, 'fieldKey'],
    ['an operator', { fieldKey: '$where' }, 'fieldKey'],
    ['a prototype name', { fieldKey: '__proto__' }, 'fieldKey'],
    ['an empty key', { fieldKey: '' }, 'fieldKey'],
    ['a long key', { fieldKey: 'a'.repeat(65) }, 'fieldKey'],
    ['a null byte', { fieldKey: 'a\0' }, 'fieldKey'],
    ['another entity', { entity: 'task' }, 'entity'],
    ['another type', { type: 'colour' }, 'type'],
    ['no name', { displayName: undefined }, 'displayName'],
    ['options of another type', { options: 'low' }, 'options'],
  ])('refuses %s', async (_, overrides, path) => {
    const { portal } = await buildWorkspace();
    const answer = await portal.post('/fields').send({ ...field, ...overrides });
    expect(answer.status).toBe(422);
    expect(Object.keys(answer.body.details)).toEqual([path]);
  });

  it('keeps all definitions together within bounds, and says so', async () => {
    const { portal, api } = await buildWorkspace();
    const options = Array.from({ length: 150 }, (_, index) => `${index} ${'x'.repeat(55)}`);
    const statuses: number[] = [];
    let answer = await portal.post('/fields').send({ ...field, options });
    for (let index = 0; answer.status === 201; index += 1) {
      statuses.push(answer.status);
      answer = await portal.post('/fields').send({ ...field, fieldKey: `more${index}`, options });
    }
    expect(answer.status).toBe(409);
    expect(answer.body.error).toMatch(/more than 64 KB/);
    expect(statuses.length).toBeLessThan(10);
    const longer = [...options, 'y'.repeat(100)].map((option) => option.padEnd(100, 'z'));
    const grown = await portal.put('/fields').send({ ...field, type: undefined, options: longer });
    expect(grown.status).toBe(409);
    // What makes room goes through, and a message names a few options of many.
    const wrong = await api.post('/leads').send(buildLead({ fields: { budget_band: 'none' } }));
    expect(wrong.body.details['fields.budget_band'][0].length).toBeLessThan(2_000);
    const shorter = { entity: field.entity, fieldKey: field.fieldKey, options: ['low'] };
    expect((await portal.put('/fields').send(shorter)).status).toBe(200);
    expect((await portal.post('/fields').send({ ...field, fieldKey: 'last' })).status).toBe(201);
  });

  it('keeps the lists of the settings within bounds too', async () => {
    const { portal } = await buildWorkspace();
    const items = (count: number) =>
      Array.from({ length: count }, (_, index) => `${index} ${'x'.repeat(90)}`);
    for (const [name, most] of Object.entries({
      leadStatuses: 150,
      propertyTypes: 150,
      sources: 600,
      tags: 600,
    })) {
      expect((await portal.put('/settings').send({ [name]: items(most) })).status, name).toBe(200);
      const refused = await portal.put('/settings').send({ [name]: items(most + 100) });
      expect(refused.status, name).toBe(422);
      expect(Object.keys(refused.body.details)).toEqual([name]);
    }
  });

  it('is for admins', async () => {
    const admin = await buildAccount(server);
    const agent = await buildColleague(server, admin, 'agent');
    expect((await agent.portal.post('/fields').send(field)).status).toBe(403);
    expect((await agent.portal.put('/fields').send(field)).status).toBe(403);
    expect((await agent.portal.get('/fields')).status).toBe(200);
  });
});

describe('PUT /api/workspaces/:workspaceId/fields', () => {
  const field = { entity: 'lead', fieldKey: 'area', displayName: 'Area', type: 'select', options: ['north'] };

  it('changes the field with this entity and key, and no other', async () => {
    const { portal } = await buildWorkspace();
    await portal.post('/fields').send({ ...field, entity: 'contact' });
    await portal.post('/fields').send(field);
    await portal.post('/fields').send({ ...field, fieldKey: 'other' });
    const answer = await portal
      .put('/fields')
      .send({ entity: 'lead', fieldKey: 'area', displayName: 'Part of town', options: ['north', 'south'] });
    expect(answer.status).toBe(200);
    const changed = { ...field, displayName: 'Part of town', options: ['north', 'south'], required: false };
    expect(answer.body).toEqual({ success: true, data: changed });
    const { body } = await portal.get('/fields');
    expect(body.data).toEqual([
      { ...field, entity: 'contact', required: false },
      changed,
      { ...field, fieldKey: 'other', required: false },
    ]);
  });

  it('answers 404 for an unknown field, and refuses to change a type', async () => {
    const { portal } = await buildWorkspace();
    await portal.post('/fields').send(field);
    const unknown = await portal.put('/fields').send({ entity: 'contact', fieldKey: 'area', required: true });
    expect(unknown.status).toBe(404);
    const retyped = await portal.put('/fields').send({ ...field, type: 'number' });
    expect(retyped.status).toBe(422);
    expect(retyped.body.details).toEqual({ type: ['Cannot change'] });
    expect((await portal.put('/fields').send({ ...field, required: true })).body.data.required).toBe(true);
  });
});

describe('GET /schema', () => {
  it('describes the standard fields', async () => {
    const { api } = await buildTenant(server, { settings: { tags: ['vip'] } });
    const answer = await api.get('/schema');
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.body.data)).toEqual([
      'leadFields',
      'contactFields',
      'customerFields',
      'companyFields',
      'dealFields',
    ]);
    const byKey = (fields: { fieldKey: string }[], key: string) =>
      fields.find(({ fieldKey }) => fieldKey === key);
    const { leadFields, contactFields, customerFields } = answer.body.data;
    expect(byKey(leadFields, 'name')).toEqual({
      fieldKey: 'name',
      displayName: 'Name',
      type: 'text',
      required: true,
      isCustom: false,
    });
    expect(byKey(leadFields, 'status')).toMatchObject({
      type: 'select',
      required: false,
      options: ['new', 'contacted', 'interested', 'lost', 'won'],
    });
    expect(byKey(leadFields, 'tags')).toMatchObject({ type: 'multiselect', options: ['vip'] });
    expect(byKey(contactFields, 'mobileNumber')).toMatchObject({ required: true });
    expect(byKey(customerFields, 'dealAmount')).toMatchObject({ type: 'number' });
  });

  it('knows the fields that the entities take', async () => {
    const { api } = await buildWorkspace();
    const { data } = (await api.get('/schema')).body;
    const entities = {
      leadFields: leadEntity,
      contactFields: contactEntity,
      customerFields: customerEntity,
      companyFields: companyEntity,
      dealFields: dealEntity,
    };
    expect(Object.keys(data)).toEqual(Object.keys(entities));
    for (const [name, { schemas }] of Object.entries(entities)) {
      const known = data[name].map((field: { fieldKey: string; required: boolean }) => [
        field.fieldKey,
        field.required,
      ]);
      expect(Object.fromEntries(known)).toEqual(inputFields(schemas.input));
    }
  });
});

/** Field → required, of everything that a create takes at the root besides the map of custom fields. */
const inputFields = (schema: z.ZodType) =>
  Object.fromEntries(
    Object.entries((schema as z.ZodObject).shape)
      .filter(([name]) => name !== 'fields')
      .map(([name, field]) => [name, !(field as z.ZodType).safeParse(undefined).success]),
  );
