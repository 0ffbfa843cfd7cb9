import type { Context } from '../../../context.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { announce, wake } from '../../../work/lanes.ts';
import type { LaneRef, Lanes } from '../../../work/work.ts';
import { type Lane, lanes } from './model.ts';

/** Each endpoint has a lane of its own, under the subscription's id, and so its own pace. */
export interface Endpoint {
  workspaceId: ObjectId;
  subscriptionId: ObjectId;
}

export const endpointLanes: Lanes<Lane> = {
  name: 'webhooks',
  collection: lanes,
  locate: (key) => ({ fields: { _id: new ObjectId(key) }, hint: { _id: 1 } }),
  locateAll: (keys) => ({ fields: { _id: { $in: keys.map((key) => new ObjectId(key)) } }, hint: { _id: 1 } }),
  keyOf: ({ _id }) => _id.toHexString(),
};

const refOf = ({ workspaceId, subscriptionId }: Endpoint): LaneRef => ({
  workspaceId,
  key: subscriptionId.toHexString(),
});

export interface WakeOptions {
  /** `now` ends a pause that failures caused; `afresh` also forgets the failures. */
  urgency?: 'now' | 'afresh';
}

/** What an endpoint that is tried afresh is no longer blamed for; and what was announced has come. */
const forgottenAfresh = ['consecutiveFailures', 'failingSince', 'markedAt'] as const;

/** Has the endpoints sent what they are owed. Call it after the deliveries are stored; repeating it is harmless. */
export function wakeEndpoints(
  ctx: Context,
  endpoints: readonly Endpoint[],
  { urgency }: WakeOptions = {},
): Promise<void> {
  const forget = urgency === 'afresh' ? [...forgottenAfresh] : [];
  return wake(ctx, endpointLanes, endpoints.map(refOf), { isUrgent: urgency !== undefined, forget });
}

/** Has the endpoint looked at within the half-minute, even if this process dies before it can wake it. */
export const announceEndpoint = (ctx: Context, endpoint: Endpoint): Promise<void> =>
  announce(ctx, endpointLanes, refOf(endpoint), ctx.clock.now());
