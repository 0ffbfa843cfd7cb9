import type { Context } from '../../../context.ts';
import { AppError } from '../../../lib/errors.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { type Created, createOnce, type IdempotencyRequest } from '../../../records/idempotency.ts';
import { insertRecord } from '../../../records/insert.ts';
import type { Managed } from '../../../records/record.ts';
import { systemIn } from '../../../tenancy/actor.ts';
import { UnreadableCredentials } from '../message-providers/service.ts';
import { blockedError } from './dispatch.ts';
import { announceMessage, nudgeChannel } from './lanes.ts';
import type { Message } from './model.ts';
import { findOptOut } from './opt-outs.ts';
import { providerOf } from './providers/registry.ts';
import { messageEntity } from './transitions.ts';

/** A valid message that nobody has seen yet. */
export type Draft = Pick<
  Message,
  | 'channel'
  | 'type'
  | 'to'
  | 'cc'
  | 'subject'
  | 'body'
  | 'html'
  | 'template'
  | 'conversationId'
  | 'leadId'
  | 'contactId'
  | 'metadata'
> & { sendAt?: Date | undefined };

/**
 * Records the message that `prepare` makes, and wakes a worker. From here on it is in the database with the time at which it is due: it leaves
 * whatever happens to this process, to Redis and to its queues. An address that has opted out gets a record too, which
 * says that nothing was sent.
 */
export async function submitMessage(
  ctx: Context,
  workspaceId: ObjectId,
  idempotency: IdempotencyRequest | undefined,
  prepare: () => Promise<Draft>,
): Promise<Created<Message>> {
  const created = await createOnce(ctx, messageEntity, workspaceId, idempotency, async () => {
    const fields = await fieldsOf(ctx, workspaceId, await prepare());
    // Before the message: a lane that is due for nothing is looked at in vain, a message without its mark never.
    if (fields.dueAt) await announceMessage(ctx, workspaceId, fields.channel, fields.dueAt);
    return insertRecord(ctx, messageEntity, systemIn(workspaceId), fields, { idempotency });
  });
  const { status, channel } = created.record;
  // A retry nudges once more: the process that took the first request may have died before it could.
  if (status === 'queued') await nudgeChannel(ctx, workspaceId, channel);
  return created;
}

async function fieldsOf(ctx: Context, workspaceId: ObjectId, draft: Draft): Promise<Omit<Message, Managed>> {
  const now = ctx.clock.now();
  const isLater = draft.sendAt !== undefined && draft.sendAt > now;
  const sendAt = isLater ? draft.sendAt : now;
  const [optedOut, from] = await Promise.all([
    findOptOut(ctx, workspaceId, draft.channel, [draft.to, ...(draft.cc ?? [])]),
    senderOf(ctx, workspaceId, draft),
  ]);
  const status = optedOut ? 'blocked' : isLater ? 'scheduled' : 'queued';
  return {
    ...draft,
    direction: 'outbound',
    from,
    sendAt,
    status,
    history: [{ status, at: now }],
    attempts: 0,
    ...(optedOut ? { error: blockedError(optedOut) } : { dueAt: sendAt }),
  };
}

/** Credentials that can't be read are the dispatch's business: it says so on the message. */
async function senderOf(
  ctx: Context,
  workspaceId: ObjectId,
  { channel }: Draft,
): Promise<string | undefined> {
  try {
    return (await providerOf(ctx, workspaceId, channel)).from;
  } catch (error) {
    if (error instanceof UnreadableCredentials) return undefined;
    throw error;
  }
}

/** The answer to a request whose recipient has opted out. */
export const blocked = (message: Message): AppError =>
  new AppError('invalid', {
    message: 'The recipient has opted out of these messages',
    details: { to: [message.error?.reason ?? 'Has opted out'] },
    extra: { messageId: message._id.toHexString() },
  });
