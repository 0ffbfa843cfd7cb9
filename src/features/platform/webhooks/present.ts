import type { Attempt, Subscription } from './model.ts';
import type { AttemptOut, SubscriptionOut } from './schema.ts';

/** A subscription without its secret. */
export function presentSubscription(subscription: Subscription): SubscriptionOut {
  return {
    _id: subscription._id.toHexString(),
    workspaceId: subscription.workspaceId.toHexString(),
    name: subscription.name,
    url: subscription.url,
    events: subscription.events,
    isActive: subscription.isActive,
    disabledReason: subscription.disabledReason,
    createdAt: subscription.createdAt.toISOString(),
    updatedAt: subscription.updatedAt.toISOString(),
  };
}

/** @param body what was sent, as JSON text */
export function presentAttempt(attempt: Attempt, body: string): AttemptOut {
  return {
    _id: attempt._id.toHexString(),
    deliveryId: attempt.deliveryId.toHexString(),
    subscriptionId: attempt.subscriptionId.toHexString(),
    webhookId: webhookIdOf(attempt),
    event: attempt.event,
    payload: JSON.parse(body) as Record<string, unknown>,
    outcome: attempt.outcome,
    statusCode: attempt.statusCode,
    responseBody: attempt.responseBody,
    error: attempt.error,
    durationMs: attempt.durationMs,
    timestamp: attempt.timestamp.toISOString(),
  };
}

/** The header `webhook-id`: the event's name, the same for every attempt and every subscription. */
export const webhookIdOf = ({ eventId }: Pick<Attempt, 'eventId'>): string => `evt_${eventId.toHexString()}`;
