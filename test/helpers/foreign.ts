import { expect } from 'vitest';
import { automate8 } from '../../src/adapters/automate8/routes.ts';
import { cratio } from '../../src/adapters/cratio/routes.ts';
import { adapters } from '../../src/contracts.ts';
import { ObjectId } from '../../src/lib/ids.ts';
import { toUuid } from '../../src/lib/uuid.ts';
import { type Account, bearer } from './accounts.ts';
import { buildApiKey, buildPhone, type TestServer } from './app.ts';

/** What opens a contract's routes in a workspace, and ids in its own form: collection in the URL → record. */
export interface ForeignWorld {
  headers: Record<string, string>;
  /** What opens the routes that no key opens, if there are some. */
  personHeaders?: Record<string, string>;
  ids: Record<string, string>;
}

/** What the guards have to be told of a contract from elsewhere, so that they ask of its routes what they ask of all. */
interface ForeignContract {
  buildWorld(server: TestServer, account: Account): Promise<ForeignWorld>;
  /** Whether it takes this text in this header. */
  takes(header: string, text: string): boolean;
  /** The headers of a key that may do everything except what the route declares. */
  headersWithout(server: TestServer, workspaceId: string, access: string): Promise<ForeignWorld['headers']>;
  /** Adds what its schemas demand in ways that JSON Schema can't say. */
  completeBody(body: Record<string, unknown>, ids: ForeignWorld['ids']): Record<string, unknown>;
  /** What its queries look for, by the parameter's name, where not any value will do. */
  queryValues?(ids: ForeignWorld['ids']): Record<string, string>;
  /** How it tells what went wrong; with any code when none is given. */
  errorShape(code?: string): unknown;
}

const cratioHeaders = async (server: TestServer, workspaceId: string, permissions?: string[]) =>
  bearer((await buildApiKey(server, workspaceId, { kind: 'cratio', permissions })).apiKey);

const ofCratio: ForeignContract = {
  async buildWorld(server, { workspaceId }) {
    const headers = await cratioHeaders(server, workspaceId);
    const create = async (url: string, payload: object): Promise<string> => {
      const answer = await server.app.inject({ method: 'POST', url, headers, payload });
      return answer.json().data.id;
    };
    const lead = await create('/api/v1/leads', { name: 'Lead', phone: buildPhone() });
    const call = { lead_id: lead, call_type: 'Inbound', duration_seconds: 60 };
    return { headers, ids: { leads: lead, 'call-logs': await create('/api/v1/call-logs', call) } };
  },
  takes: (header, text) => header === 'Authorization' && text.startsWith('le_live_'),
  headersWithout: (server, workspaceId, access) =>
    cratioHeaders(
      server,
      workspaceId,
      ['read', 'write', 'delete'].filter((permission) => access !== `cratio:${permission}`),
    ),
  completeBody: (body, ids) =>
    'lead_id' in body ? { ...body, lead_id: ids.leads } : { ...body, phone: buildPhone() },
  errorShape: (code) => ({
    error: {
      code: code ?? expect.stringMatching(/^[a-z_]{3,}$/),
      // Of a wrong field it begins with the field's name.
      message: expect.stringMatching(code ? /^[A-Z]/ : /^\w.{3,}/),
    },
  }),
};

const automate8Headers = async (server: TestServer, workspaceId: string, permissions?: string[]) =>
  bearer((await buildApiKey(server, workspaceId, { kind: 'automate8', permissions })).apiKey);

const ofAutomate8: ForeignContract = {
  async buildWorld(server, { workspaceId, userId, token }) {
    const { keyId } = await buildApiKey(server, workspaceId, { kind: 'automate8', name: 'One of many' });
    const headers = await automate8Headers(server, workspaceId);
    const create = async (url: string, payload: object): Promise<string> => {
      const answer = await server.app.inject({ method: 'POST', url: `/automate8${url}`, headers, payload });
      return answer.json().data.id;
    };
    const board = await server.app.inject({ url: '/automate8/api/pipeline/pipelines', headers });
    const [pipeline] = board.json().data;
    const [stage] = pipeline.stages;
    const contact = { workspace_id: workspaceId, firstname: 'A', lastname: 'B', phone_number: buildPhone() };
    return {
      headers,
      personHeaders: bearer(token),
      ids: {
        workspace: workspaceId,
        'api-keys': toUuid(new ObjectId(keyId)),
        contacts: await create('/api/contacts', contact),
        tags: await create('/api/tags', { name: 'hot' }),
        pipelines: pipeline.id,
        stages: stage.id,
        agents: toUuid(new ObjectId(userId)),
        opportunities: await create('/api/pipeline/opportunities', { title: 'Deal', stage_id: stage.id }),
      },
    };
  },
  takes: (header, text) =>
    header === 'Authorization'
      ? /^(crm_live_|eyJ.*)/.test(text) && !isAccessToken(text)
      : text.startsWith('crm_live_'),
  headersWithout(server, workspaceId, access) {
    const { permissions = [] } = automate8.keyKind ?? {};
    const others = permissions.filter((permission) => access !== `automate8:${permission}`);
    return automate8Headers(server, workspaceId, others);
  },
  completeBody(body, ids) {
    const known = {
      workspace_id: ids.workspace,
      permissions: { tags: ['read'] },
      phone_number: buildPhone(),
      stage_id: ids.stages,
      pipeline_id: ids.pipelines,
    };
    return {
      ...body,
      ...Object.fromEntries(Object.entries(known).filter(([name]) => name in body)),
    };
  },
  queryValues: ({ workspace = '', contacts = '', stages = '', pipelines = '' }) => ({
    workspace_id: workspace,
    stage_id: stages,
    stageId: stages,
    pipeline_id: pipelines,
    page: '1',
    startDate: '2026-01-01',
    endDate: '2026-12-31',
    date_from: '2026-01-01',
    date_to: '2026-12-31',
    from_date: '2026-01-01',
    to_date: '2026-12-31',
    expected_close_date_from: '2026-01-01',
    expected_close_date_to: '2026-12-31',
    follow_up_date: '2026-01-01',
    id: contacts,
    contact_id: contacts,
    phone: '+91 98765 43210',
    phone_number: '+91 98765 43210',
    email: 'someone@example.com',
  }),
  errorShape: (code) => ({
    success: false,
    error: expect.stringMatching(code === 'not_found' ? /not found$/ : /^[A-Z].{3,}/),
    ...(code ? { code: expect.stringMatching(/^[A-Z_]{3,}$/) } : {}),
  }),
};

const isAccessToken = (text: string): boolean =>
  Buffer.from(text.split('.')[1] ?? '', 'base64url')
    .toString()
    .includes('"typ":"access"');

const known: Record<string, ForeignContract> = {
  [cratio.name]: ofCratio,
  [automate8.name]: ofAutomate8,
};

/** @throws Error for a contract that the guards know nothing of */
function knownAs(name: string): ForeignContract {
  const contract = known[name];
  if (!contract) throw new Error(`test/helpers/foreign.ts has to say what opens the routes of ${name}`);
  return contract;
}

/** The contracts that came from elsewhere, by name. */
export const foreignContracts: ReadonlyMap<string, ForeignContract> = new Map(
  adapters.map(({ name }) => [name, knownAs(name)]),
);
