import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../../context.ts';
import { duplicateKeyFields, isMongoUnavailable } from '../../../infra/mongo-errors.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { UnreadableCredentials } from '../message-providers/service.ts';
import { showInConversation } from './conversations.ts';
import { announceMessage } from './lanes.ts';
import { type Message, type MessageError, messages } from './model.ts';
import { findOptOut, optOut } from './opt-outs.ts';
import {
  type MessageProvider,
  ProviderRejected,
  ProviderUnavailable,
  ProviderUncertain,
  type SendResult,
} from './providers/provider.ts';
import { providerOf } from './providers/registry.ts';
import { moveMessage, pendingStatuses } from './transitions.ts';

/**
 * Hands one message to its provider, at most once. The claim (queued → sending) is one operation, so of all processes
 * that see the message due a single one sends it. Three things can happen then. The provider answers, and the answer is
 * recorded. The message certainly did not leave: it is queued again. Or nobody knows, because the process died or the
 * connection broke in between: the message is never sent again. When its claim has run out, whoever serves the lane asks
 * the provider if that is possible (Twilio), and else the message is shown as `unknown`, from where a status callback
 * can still fetch it.
 */

/** A sender that has been silent for this long is dead. */
const claimMs = 60_000;
/** How long after a lost answer the provider is asked: what is still on its way has arrived by then. */
const lookupDelayMs = 15_000;
/** Waiting times between attempts at a provider that can't be reached; the last one repeats. */
const retryDelaysMs = [1_000, 5_000, 15_000, 60_000, 300_000, 900_000];
/** A provider that comes back is noticed after this long, by the next message. */
const pauseMaxMs = 30_000;
/** However long the provider asks us to wait. */
const retryDelayMaxMs = 900_000;
/** After this long a message is too old to be worth sending. */
const giveUpAfterMs = 24 * 60 * 60 * 1_000;

/** What a lane has to know: nothing, or that the provider wants to be left alone until then. */
export type DispatchOutcome = { pausedUntil?: Date | undefined };

/** Sends the message unless another process has it, it was cancelled or its recipient has opted out. */
export async function dispatchMessage(
  ctx: Context,
  workspaceId: ObjectId,
  id: ObjectId,
): Promise<DispatchOutcome> {
  const message = await claimMessage(ctx, workspaceId, id);
  if (!message) return {};
  let provider: MessageProvider | undefined;
  let result: SendResult;
  try {
    await showMessage(ctx, message);
    await assertNotOptedOut(ctx, message);
    provider = await providerOf(ctx, workspaceId, message.channel);
    result = await provider.send(message);
  } catch (error) {
    return whileMongoIsAway(() => recordFailure(ctx, message, error, provider));
  }
  const { from } = provider;
  await whileMongoIsAway(() => recordAcceptance(ctx, message, result, from));
  return {};
}

/** The message, if it is now ours to send. */
async function claimMessage(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<Message | undefined> {
  const claim = new ObjectId();
  // A claim whose answer got lost on the way from the database is recognised by its id when it is made again.
  const message = await whileMongoIsAway(
    () =>
      moveMessage(ctx, workspaceId, id, {
        from: pendingStatuses,
        to: 'sending',
        set: ({ attempts }) => ({
          ...claimFor(ctx, claim),
          claimedAt: ctx.clock.now(),
          attempts: attempts + 1,
        }),
      }),
    claimingMaxMs,
  );
  return message.claim?.equals(claim) ? message : undefined;
}

const claimFor = (ctx: Context, claim: ObjectId): Partial<Message> => ({
  claim,
  dueAt: new Date(ctx.clock.now().getTime() + claimMs),
});

/** Repeated for whoever takes the message up next, so that a process that dies here leaves nothing unshown. */
async function showMessage(ctx: Context, message: Message): Promise<void> {
  if (message.conversationId) await showInConversation(ctx, message, new ObjectId(message.conversationId));
}

class RecipientOptedOut extends Error {}

export const blockedError = (address: string): MessageError => ({
  code: 'opted_out',
  reason: `${address} has opted out of these messages`,
});

async function assertNotOptedOut(
  ctx: Context,
  { workspaceId, channel, to, cc = [] }: Message,
): Promise<void> {
  const address = await findOptOut(ctx, workspaceId, channel, [to, ...cc]);
  if (address !== undefined) throw new RecipientOptedOut(address);
}

/** A request may be waiting for it. */
const claimingMaxMs = 5_000;
/** The provider's answer is in hand: a database that is away for a moment must not make it unknown. */
const recordingMaxMs = claimMs / 2;
const writePauseMs = 500;

/** Repeats a write, which has to be safe to repeat, while the database is away. */
async function whileMongoIsAway<T>(write: () => Promise<T>, maxMs = recordingMaxMs): Promise<T> {
  const until = Date.now() + maxMs;
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (!isMongoUnavailable(error) || Date.now() > until) throw error;
      await sleep(writePauseMs);
    }
  }
}

async function recordAcceptance(
  ctx: Context,
  { workspaceId, _id }: Message,
  { providerId, remark }: SendResult,
  from: string | undefined,
): Promise<Message> {
  const set: Partial<Message> = {
    providerId,
    ...(from ? { from } : {}),
    ...(remark ? { error: { reason: remark } } : {}),
  };
  const accepted = await moveMessage(ctx, workspaceId, _id, {
    from: ['sending', 'unknown'],
    to: 'accepted',
    set,
    unset: remark ? ['dueAt', 'claim'] : ['dueAt', 'claim', 'error'],
  });
  if (accepted.providerId) return accepted;
  // A callback that came before the answer has moved the message on; it lacks its id only.
  await messages(ctx.db).updateOne(
    workspaceId,
    { _id, providerId: { $exists: false } },
    { $set: { providerId } },
  );
  return { ...accepted, providerId };
}

async function recordFailure(
  ctx: Context,
  message: Message,
  error: unknown,
  provider: MessageProvider | undefined,
): Promise<DispatchOutcome> {
  const { workspaceId, channel } = message;
  if (error instanceof RecipientOptedOut) {
    await settle(ctx, message, 'blocked', { error: blockedError(error.message) });
    return {};
  }
  if (error instanceof ProviderRejected) {
    if (error.isOptOut) await optOut(ctx, workspaceId, channel, message.to, 'provider');
    await settle(ctx, message, 'rejected', { error: errorOf(error) });
    return {};
  }
  if (error instanceof UnreadableCredentials) {
    await settle(ctx, message, 'rejected', { error: { reason: error.message } });
    return {};
  }
  if (error instanceof ProviderUnavailable) return queueAgain(ctx, message, error);
  if (!(error instanceof ProviderUncertain)) {
    ctx.log.error({ err: error, messageId: message._id }, 'a message could not be sent');
  }
  // Before there was a provider nothing can have been sent.
  if (!provider)
    return queueAgain(ctx, message, new ProviderUnavailable('The message could not be prepared'));
  if (provider.find) await lookUpLater(ctx, message);
  else await settle(ctx, message, 'unknown', { error: lostError });
  return {};
}

/** Ends the claim early: whoever serves the lane then asks the provider. */
async function lookUpLater(ctx: Context, { workspaceId, channel, _id, claim }: Message): Promise<void> {
  const dueAt = new Date(ctx.clock.now().getTime() + lookupDelayMs);
  await announceMessage(ctx, workspaceId, channel, dueAt);
  await messages(ctx.db).updateOne(workspaceId, { _id, claim }, { $set: { dueAt } });
}

const lostError: MessageError = {
  code: 'answer_lost',
  reason: 'The provider’s answer was lost; the message may have been sent',
};

const errorOf = ({ code, message }: ProviderRejected | ProviderUnavailable): MessageError => ({
  ...(code === undefined ? {} : { code }),
  reason: message,
});

/** Ends the claim with nothing left to do. */
const settle = (
  ctx: Context,
  { workspaceId, _id, claim }: Message,
  to: 'rejected' | 'blocked' | 'unknown' | 'failed',
  set: Partial<Message>,
): Promise<Message> =>
  moveMessage(ctx, workspaceId, _id, { from: ['sending'], to, claim, set, unset: ['dueAt', 'claim'] });

async function queueAgain(
  ctx: Context,
  message: Message,
  error: ProviderUnavailable,
): Promise<DispatchOutcome> {
  const { workspaceId, _id, channel, claim } = message;
  const now = ctx.clock.now().getTime();
  const wantedAt = (message.sendAt ?? message.createdAt).getTime();
  if (now - wantedAt > giveUpAfterMs) {
    await settle(ctx, message, 'failed', { error: errorOf(error) });
    return {};
  }
  const delayMs = retryDelaysMs[Math.min(message.attempts, retryDelaysMs.length) - 1] ?? 0;
  const askedMs = Math.min(error.retryAfterMs ?? 0, retryDelayMaxMs);
  const dueAt = new Date(now + Math.max(delayMs, askedMs));
  const pauseMs = Math.max(Math.min(delayMs, pauseMaxMs), askedMs);
  const pausedUntil = error.isAboutRecipient ? undefined : new Date(now + pauseMs);
  await announceMessage(ctx, workspaceId, channel, dueAt, pausedUntil);
  await moveMessage(ctx, workspaceId, _id, {
    from: ['sending'],
    to: 'queued',
    claim,
    set: { dueAt, error: errorOf(error) },
    unset: ['claim'],
  });
  return { pausedUntil };
}

/** Decides about a message whose sender fell silent. Never sends it. */
export async function recoverMessage(
  ctx: Context,
  message: Pick<Message, '_id' | 'workspaceId' | 'claim'>,
): Promise<void> {
  const { workspaceId, _id } = message;
  const claim = new ObjectId();
  const mine = await moveMessage(ctx, workspaceId, _id, {
    from: ['sending'],
    to: 'sending',
    claim: message.claim,
    set: claimFor(ctx, claim),
  });
  if (!mine.claim?.equals(claim)) return;
  await showMessage(ctx, mine);
  try {
    const provider = await providerOf(ctx, workspaceId, mine.channel);
    for (const providerId of (await provider.find?.(mine)) ?? []) {
      if (await adopt(ctx, mine, providerId, provider.from)) return;
    }
  } catch (error) {
    const isForNow = error instanceof ProviderUnavailable || error instanceof ProviderUncertain;
    const isRecent = ctx.clock.now().getTime() - (mine.claimedAt?.getTime() ?? 0) < giveUpAfterMs;
    // Asked again when this claim has run out, for as long as it makes sense.
    if (isForNow && isRecent) return;
    const isFinal = error instanceof ProviderRejected || error instanceof UnreadableCredentials;
    if (!isForNow && !isFinal) throw error;
  }
  await settle(ctx, mine, 'unknown', { error: lostError });
}

/** Takes the id for the message unless it is known as another message's. */
async function adopt(ctx: Context, message: Message, providerId: string, from: string): Promise<boolean> {
  try {
    await recordAcceptance(ctx, message, { providerId }, from);
    return true;
  } catch (error) {
    if (duplicateKeyFields(error)) return false;
    throw error;
  }
}
