import type { Context } from '../../../context.ts';
import { duplicateKeyFields } from '../../../infra/mongo-errors.ts';
import { type ObjectId, parseId } from '../../../lib/ids.ts';
import { insertRecord } from '../../../records/insert.ts';
import { systemIn } from '../../../tenancy/actor.ts';
import type { Workspace } from '../../../tenancy/workspaces/model.ts';
import type { Channel } from '../channels.ts';
import { openConversation, showInConversation } from './conversations.ts';
import { type Message, type MessageError, messages } from './model.ts';
import { type DecisionTime, keywordIn, optIn, optOut } from './opt-outs.ts';
import { findSubjects } from './service.ts';
import { messageEntity, moveMessage, reportableFrom } from './transitions.ts';

/** What a provider reports about a message that it took. */
export interface StatusReport {
  channel: Channel;
  providerId: string;
  /** Our own id, where the provider gives it back: finds a message whose acceptance was never recorded. */
  messageId?: string | undefined;
  status: keyof typeof reportableFrom;
  error?: MessageError | undefined;
  /** The recipient told the provider to be left alone. */
  isOptOut?: boolean;
}

/**
 * Moves the message on. Reports come late, twice and in any order: one that would move it back changes nothing, and so
 * does one about a message that another system has sent from the same number.
 */
export async function applyStatus(ctx: Context, workspaceId: ObjectId, report: StatusReport): Promise<void> {
  const message = await findReported(ctx, workspaceId, report);
  if (!message) return;
  const { status, providerId, error } = report;
  const moved = await moveMessage(ctx, workspaceId, message._id, {
    from: reportableFrom[status],
    to: status,
    set: {
      ...(message.providerId ? {} : { providerId }),
      ...(status === 'failed' && error ? { error } : {}),
    },
    // A message that was given up as unknown has turned out to be on its way.
    unset: ['dueAt', 'claim', ...(status === 'failed' ? [] : (['error'] as const))],
  });
  if (report.isOptOut)
    await optOut(ctx, workspaceId, message.channel, message.to, 'provider', failureTimeOf(moved));
}

/** When the failure was first reported: a report that comes again says nothing about today. */
function failureTimeOf({ history, createdAt }: Message): DecisionTime {
  const at = history.find(({ status }) => status === 'failed')?.at ?? createdAt;
  return { at, heardAt: at };
}

async function findReported(
  ctx: Context,
  workspaceId: ObjectId,
  { channel, providerId, messageId }: StatusReport,
): Promise<Message | undefined> {
  const collection = messages(ctx.db);
  const known = await collection.findOne(workspaceId, { channel, providerId }, { hint: 'provider_id' });
  if (known) return known.direction === 'outbound' ? known : undefined;
  const id = parseId(messageId);
  const named = id && (await collection.findById(workspaceId, id));
  const isNameless = named?.direction === 'outbound' && named.channel === channel && !named.providerId;
  return isNameless ? named : undefined;
}

/** A message that a person sent to the workspace. */
export interface InboundMessage {
  channel: 'whatsapp' | 'sms';
  providerId: string;
  /** In international form. */
  from: string;
  to: string;
  type: string;
  body?: string | undefined;
  /** As the sender calls themselves. */
  name?: string | undefined;
  receivedAt: Date;
  metadata?: Record<string, unknown> | undefined;
  /** What the provider has understood; else the text itself is looked at. */
  keyword?: 'stop' | 'start' | undefined;
}

/**
 * Stores an inbound message with the lead that has the number, and its conversation. A provider that gets no answer
 * delivers again: each step here may be repeated, so a process that dies half-way leaves nothing undone. What is repeated
 * later, by whomever, changes nothing: a message is as old as it was when it first came.
 */
export async function receiveMessage(
  ctx: Context,
  workspace: Workspace,
  inbound: InboundMessage,
): Promise<void> {
  const { channel, providerId, from, to, type, body, receivedAt, metadata } = inbound;
  const { name: knownName, ...subjects } = await findSubjects(ctx, workspace, channel, from);
  const conversation =
    channel === 'whatsapp'
      ? await openConversation(ctx, workspace._id, {
          phone: from,
          name: inbound.name,
          fallbackName: knownName,
          ...subjects,
        })
      : undefined;
  const fields = {
    channel,
    direction: 'inbound' as const,
    type,
    from,
    to,
    body,
    status: 'received' as const,
    history: [{ status: 'received' as const, at: ctx.clock.now() }],
    providerId,
    conversationId: conversation?._id.toHexString(),
    ...subjects,
    metadata,
    receivedAt,
    attempts: 0,
  };
  const message = await insertOnce(ctx, workspace._id, fields);
  if (conversation) await showInConversation(ctx, message, conversation._id);
  const keyword = inbound.keyword ?? keywordIn(body);
  const time = { at: message.receivedAt ?? message.createdAt, heardAt: message.createdAt };
  if (keyword === 'stop') await optOut(ctx, workspace._id, channel, from, 'keyword', time);
  if (keyword === 'start') await optIn(ctx, workspace._id, channel, from, 'keyword', time);
}

async function insertOnce(
  ctx: Context,
  workspaceId: ObjectId,
  fields: Parameters<typeof insertRecord<Message>>[3],
): Promise<Message> {
  const { channel, providerId } = fields;
  try {
    return await insertRecord(ctx, messageEntity, systemIn(workspaceId), fields);
  } catch (error) {
    if (!duplicateKeyFields(error)) throw error;
    const known = await messages(ctx.db).findOne(
      workspaceId,
      { channel, providerId },
      { hint: 'provider_id' },
    );
    if (!known) throw error;
    return known;
  }
}
