import type { Context } from './context.ts';
import type { Samples } from './feature.ts';
import { createApiKey } from './features/platform/api-keys/service.ts';
import { randomToken } from './lib/crypto.ts';
import { ObjectId } from './lib/ids.ts';
import type { Caller } from './records/api/service.ts';
import type { Actor } from './tenancy/actor.ts';
import { addMember, createMember } from './tenancy/members/service.ts';
import { createUser, findUserByEmail } from './tenancy/users/service.ts';
import { createWorkspace } from './tenancy/workspaces/service.ts';

/** What a person needs to try the demo workspace; the password and the key are known only now. */
export interface Demo {
  workspaceId: string;
  email: string;
  password: string;
  apiKey: string;
}

const name = 'Demo Admin';
const email = 'demo@example.com';

/**
 * On the first start over a database: a workspace with sample records, an admin and an API key. The admin's account
 * comes last and marks the demo as made, so that a start that died half-way is made good by the next one.
 * @returns undefined when the demo exists already
 */
export async function createDemo(ctx: Context): Promise<Demo | undefined> {
  if (await findUserByEmail(ctx, email)) return undefined;
  const workspace = await createWorkspace(ctx, 'Demo Realty');
  const { apiKey, secrets } = await createApiKey(ctx, workspace._id, 'demo', {
    name: 'Demo key',
    scopes: [...ctx.scopes],
  });
  const actor: Actor = {
    kind: 'apiKey',
    id: apiKey._id.toHexString(),
    workspaceId: workspace._id,
    contract: 'native',
    scopes: new Set(ctx.scopes),
    limits: ctx.config.rateLimit,
  };
  const agent = await createMember(ctx, workspace._id, {
    name: 'Meera Iyer',
    email: `meera.${workspace._id.toHexString()}@example.com`,
    role: 'agent',
    phone: '+919820012345',
  });
  await createSamples(ctx, { actor, workspace }, agent.userId.toHexString());
  const password = randomToken(9);
  const id = new ObjectId();
  await addMember(ctx, workspace._id, { _id: id, name, email }, 'admin');
  await createUser(ctx, { id, name, email, password });
  return { workspaceId: workspace._id.toHexString(), email, password, apiKey: secrets.apiKey };
}

/** One feature's samples after another's, in the order of the list. @param memberId whom some are assigned to */
export async function createSamples(ctx: Context, caller: Caller, memberId: string): Promise<Samples> {
  let made: Samples = {};
  for (const feature of ctx.features) {
    made = { ...made, ...(await feature.samples?.(ctx, { caller, memberId, made })) };
  }
  return made;
}
