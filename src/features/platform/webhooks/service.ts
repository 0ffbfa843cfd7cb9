import type { Context } from '../../../context.ts';
import { allowedAddresses, assertAllowedUrl, ForbiddenTarget } from '../../../infra/outbound.ts';
import { AppError, invalid, notFound } from '../../../lib/errors.ts';
import type { IfMatch } from '../../../lib/etag.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { withinTime } from '../../../lib/time-limit.ts';
import { createOnce, type IdempotencyRequest } from '../../../records/idempotency.ts';
import { insertRecord } from '../../../records/insert.ts';
import type { Entity } from '../../../records/record.ts';
import { updateRecord } from '../../../records/update.ts';
import { systemIn } from '../../../tenancy/actor.ts';
import { notifyAdmins } from '../notifications/service.ts';
import { announceEndpoint, wakeEndpoints } from './lanes.ts';
import { forgetSubscribers } from './listener.ts';
import { type Subscription, subscriptions, testEvent } from './model.ts';
import { presentSubscription } from './present.ts';
import { queueDeliveries } from './queue.ts';
import type { SubscriptionChange, SubscriptionInput } from './schema.ts';
import { rotation } from './secrets.ts';
import { senderOf } from './send.ts';
import { createSecret } from './sign.ts';

/** Every event costs a delivery to each active one, and there is no deletion; both need a bound. */
const limits = { active: 100, all: 1_000 };
/** A create does not wait longer for a name server; the address is checked at every delivery anyway. */
const resolveMs = 2_000;

const subscriptionEntity: Entity<Subscription> = {
  label: 'Webhook',
  collection: subscriptions,
  facets: {},
  events: {},
  present: presentSubscription,
};

export interface WithSecret {
  subscription: Subscription;
  secret: string;
}

/** Subscribes. A retry with the same Idempotency-Key gets the original answer, secret included. @throws AppError */
export async function createSubscription(
  ctx: Context,
  workspaceId: ObjectId,
  input: SubscriptionInput,
  idempotency: IdempotencyRequest | undefined,
): Promise<WithSecret & { isReplay: boolean }> {
  const created = await createOnce(ctx, subscriptionEntity, workspaceId, idempotency, async () => {
    await assertTarget(ctx, input.url);
    await assertRoom(ctx, workspaceId, true);
    const fields = { ...input, isActive: true, secret: ctx.secretBox.seal(createSecret()) };
    return insertRecord(ctx, subscriptionEntity, systemIn(workspaceId), fields, { idempotency });
  });
  await forgetSubscribers(ctx, workspaceId);
  const { record: subscription, isReplay } = created;
  return { subscription, secret: ctx.secretBox.open(subscription.secret), isReplay };
}

/** All subscriptions of the workspace, newest first; their number is limited. */
export function listSubscriptions(ctx: Context, workspaceId: ObjectId): Promise<Subscription[]> {
  return subscriptions(ctx.db)
    .find(workspaceId, {}, { sort: { createdAt: -1, _id: -1 }, hint: 'list', limit: limits.all })
    .toArray();
}

/** @throws AppError not_found */
export async function getSubscription(
  ctx: Context,
  workspaceId: ObjectId,
  id: ObjectId,
): Promise<Subscription> {
  const subscription = await subscriptions(ctx.db).findById(workspaceId, id);
  if (!subscription) throw notFound(subscriptionEntity.label);
  return subscription;
}

/** The subscription, when events go to it. @throws AppError not_found, conflict */
export async function getActiveSubscription(
  ctx: Context,
  workspaceId: ObjectId,
  id: ObjectId,
): Promise<Subscription> {
  const subscription = await getSubscription(ctx, workspaceId, id);
  if (!subscription.isActive)
    throw new AppError('conflict', { message: 'The webhook is disabled; enable it first' });
  return subscription;
}

/** Changes the given fields. A new target is tried at once. @throws AppError not_found, invalid, precondition_failed */
export async function updateSubscription(
  ctx: Context,
  workspaceId: ObjectId,
  id: ObjectId,
  change: SubscriptionChange,
  ifMatch: IfMatch | undefined,
): Promise<Subscription> {
  if (change.url !== undefined) await assertTarget(ctx, change.url);
  const given = Object.entries(change).filter(([, value]) => value !== undefined);
  const set = Object.fromEntries(given);
  const updated = await updateRecord(
    ctx,
    subscriptionEntity,
    systemIn(workspaceId),
    id,
    { set },
    { ifMatch },
  );
  await forgetSubscribers(ctx, workspaceId);
  if (change.url !== undefined && updated.isActive) {
    await wakeEndpoints(ctx, [{ workspaceId, subscriptionId: id }], { urgency: 'afresh' });
  }
  return updated;
}

/**
 * Takes up sending again, with whatever was still pending when it was disabled. The lane is announced before and woken
 * after: a process that dies in between leaves it to the sweep, and a repeated request wakes it too.
 * @throws AppError not_found, conflict
 */
export async function enableSubscription(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<void> {
  const current = await getSubscription(ctx, workspaceId, id);
  if (!current.isActive) await assertRoom(ctx, workspaceId, false);
  const endpoint = { workspaceId, subscriptionId: id };
  await announceEndpoint(ctx, endpoint);
  const change = { set: { isActive: true }, unset: ['disabledReason'] };
  await updateRecord(ctx, subscriptionEntity, systemIn(workspaceId), id, change);
  await forgetSubscribers(ctx, workspaceId);
  await wakeEndpoints(ctx, [endpoint], { urgency: 'afresh' });
}

/** Stops sending; what is pending waits for the subscription to be enabled again. @throws AppError not_found */
export async function disableSubscription(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<void> {
  await updateRecord(ctx, subscriptionEntity, systemIn(workspaceId), id, { set: { isActive: false } });
  await forgetSubscribers(ctx, workspaceId);
}

/** Disables an endpoint that is beyond hope, and tells the workspace's admins. */
export async function disableHopeless(
  ctx: Context,
  { workspaceId, _id, name, url }: Subscription,
  reason: string,
): Promise<void> {
  const owedNotice = {
    id: new ObjectId(),
    subject: `The webhook "${name}" was disabled`,
    text: `${reason}: ${url}\n\nNo more events are sent to it. Enable it again when the endpoint works; what is still pending is sent then.`,
  };
  const set = { isActive: false, disabledReason: reason, owedNotice };
  const disabled = await updateRecord(ctx, subscriptionEntity, systemIn(workspaceId), _id, ({ isActive }) =>
    isActive ? { set } : undefined,
  );
  await forgetSubscribers(ctx, workspaceId);
  await giveNotice(ctx, disabled);
}

async function giveNotice(ctx: Context, { workspaceId, _id, owedNotice }: Subscription): Promise<void> {
  if (!owedNotice) return;
  await notifyAdmins(ctx, workspaceId, owedNotice.subject, owedNotice.text, owedNotice.id);
  const given = { _id, 'owedNotice.id': owedNotice.id };
  await subscriptions(ctx.db).updateOne(
    workspaceId,
    given,
    { $unset: { owedNotice: '' } },
    { hint: { _id: 1 } },
  );
}

const sweptNoticesMax = 100;

/** Gives the notices that a dead process left behind: work of the system, across workspaces. */
export async function sweepNotices(ctx: Context, signal: AbortSignal): Promise<void> {
  const owing = await subscriptions(ctx.db)
    .acrossTenants.find(
      { 'owedNotice.id': { $exists: true } },
      { hint: 'owing_notice', limit: sweptNoticesMax },
    )
    .toArray();
  for (const subscription of owing) {
    if (signal.aborted) return;
    await giveNotice(ctx, subscription);
  }
}

/** A new secret; the earlier ones sign too for a day. @throws AppError not_found */
export async function rotateSecret(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<WithSecret> {
  const secret = createSecret();
  const sealed = ctx.secretBox.seal(secret);
  const subscription = await updateRecord(ctx, subscriptionEntity, systemIn(workspaceId), id, (before) =>
    rotation(ctx, before, sealed),
  );
  return { subscription, secret };
}

/** Sends a test event the way that every event goes. @throws AppError not_found, conflict */
export async function sendTest(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<void> {
  const subscription = await getActiveSubscription(ctx, workspaceId, id);
  const at = ctx.clock.now();
  const eventId = new ObjectId();
  const body = JSON.stringify({
    _id: eventId.toHexString(),
    workspaceId: workspaceId.toHexString(),
    message: `Test event for the webhook "${subscription.name}"`,
    createdAt: at.toISOString(),
    updatedAt: at.toISOString(),
  });
  const endpoint = { workspaceId, subscriptionId: id };
  await queueDeliveries(ctx, [{ ...endpoint, eventId, event: testEvent, at, body, isFirst: true }], {
    urgency: 'now',
  });
}

/** Two parallel requests may both see the last place: the limit bounds cost, it is no invariant. */
async function assertRoom(ctx: Context, workspaceId: ObjectId, isNew: boolean): Promise<void> {
  const all = await listSubscriptions(ctx, workspaceId);
  const active = all.filter(({ isActive }) => isActive);
  if (active.length < limits.active && !(isNew && all.length >= limits.all)) return;
  const message = `A workspace has at most ${limits.active} active webhooks, and ${limits.all} in all`;
  throw new AppError('conflict', { message });
}

/** @throws AppError invalid when events must not be sent there; a name that can't be resolved may still come to exist */
async function assertTarget(ctx: Context, text: string): Promise<void> {
  const { policy } = senderOf(ctx);
  const url = new URL(text);
  try {
    assertAllowedUrl(url, policy);
    if (!policy.isPrivateNetworkAllowed) await withinTime(allowedAddresses(url.hostname, policy), resolveMs);
  } catch (error) {
    if (error instanceof ForbiddenTarget) throw invalid('url', error.message);
  }
}
