import { expect } from 'vitest';
import { cratio } from '../../src/adapters/cratio/routes.ts';
import { adapters } from '../../src/contracts.ts';
import { bearer } from './accounts.ts';
import { buildApiKey, buildPhone, type TestServer } from './app.ts';

/** What opens a contract's routes in a workspace, and ids in its own form: collection in the URL → record. */
export interface ForeignWorld {
  headers: Record<string, string>;
  ids: Record<string, string>;
}

/** What the guards have to be told of a contract from elsewhere, so that they ask of its routes what they ask of all. */
interface ForeignContract {
  buildWorld(server: TestServer, workspaceId: string): Promise<ForeignWorld>;
  /** The headers of a key that may do everything except what the route declares. */
  headersWithout(server: TestServer, workspaceId: string, access: string): Promise<ForeignWorld['headers']>;
  /** Adds what its schemas demand in ways that JSON Schema can't say. */
  completeBody(body: Record<string, unknown>, ids: ForeignWorld['ids']): Record<string, unknown>;
  /** How it tells what went wrong; with any code when none is given. */
  errorShape(code?: string): unknown;
}

const cratioHeaders = async (server: TestServer, workspaceId: string, permissions?: string[]) =>
  bearer((await buildApiKey(server, workspaceId, { kind: 'cratio', permissions })).apiKey);

const ofCratio: ForeignContract = {
  async buildWorld(server, workspaceId) {
    const headers = await cratioHeaders(server, workspaceId);
    const create = async (url: string, payload: object): Promise<string> => {
      const answer = await server.app.inject({ method: 'POST', url, headers, payload });
      return answer.json().data.id;
    };
    const lead = await create('/api/v1/leads', { name: 'Lead', phone: buildPhone() });
    const call = { lead_id: lead, call_type: 'Inbound', duration_seconds: 60 };
    return { headers, ids: { leads: lead, 'call-logs': await create('/api/v1/call-logs', call) } };
  },
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

const known: Record<string, ForeignContract> = { [cratio.name]: ofCratio };

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
