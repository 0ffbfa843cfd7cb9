import type { Context } from '../../../context.ts';
import { withoutUndefined } from '../../../lib/clean.ts';
import { AppError, invalid, notFound } from '../../../lib/errors.ts';
import { type ObjectId, requireId } from '../../../lib/ids.ts';
import { normalisePhone } from '../../../lib/phone.ts';
import type { Created, IdempotencyRequest } from '../../../records/idempotency.ts';
import { listRecords } from '../../../records/list.ts';
import type { Page } from '../../../records/page.ts';
import { nextDay } from '../../../tenancy/daily-use.ts';
import type { Workspace } from '../../../tenancy/workspaces/model.ts';
import { findContactByPhone, getContact } from '../../people/contacts/service.ts';
import { findLeadByEmail, findLeadByPhone, getLead } from '../../people/leads/service.ts';
import type { Channel } from '../channels.ts';
import { findAccount } from '../message-providers/service.ts';
import { assertOperatorMailLeft, operatorMailUrl } from '../operator-mail.ts';
import { type Message, messages } from './model.ts';
import { type EmailInput, type MessageQuery, maxDelayMs, type SmsInput } from './schema.ts';
import { blocked, submitMessage } from './submit.ts';
import { messageEntity, moveMessage, pendingStatuses } from './transitions.ts';

export { presentMessage } from './present.ts';

/** Records an SMS to be sent now or later. @throws AppError invalid, also when the recipient has opted out */
export async function sendSms(
  ctx: Context,
  workspace: Workspace,
  input: SmsInput,
  idempotency?: IdempotencyRequest,
): Promise<Created<Message>> {
  const created = await submitMessage(ctx, workspace._id, idempotency, async () => {
    const to = requireRecipient(workspace, input.to);
    return {
      channel: 'sms',
      type: 'text',
      to,
      body: input.body,
      metadata: input.metadata,
      sendAt: sendTimeOf(ctx, input),
      ...(await subjectsOf(ctx, workspace, 'sms', { ...input, to })),
    };
  });
  return unlessBlocked(created);
}

/** Records an email to be sent now or later. @throws AppError invalid, also when a recipient has opted out; rate_limited */
export async function sendEmail(
  ctx: Context,
  workspace: Workspace,
  input: EmailInput,
  idempotency?: IdempotencyRequest,
): Promise<Created<Message>> {
  const created = await submitMessage(ctx, workspace._id, idempotency, async () => {
    const sendAt = sendTimeOf(ctx, input);
    await assertMailLeft(ctx, workspace._id, input, sendAt);
    return {
      channel: 'email',
      type: 'email',
      to: input.to,
      cc: input.cc?.length ? input.cc : undefined,
      subject: input.subject,
      body: input.text,
      html: input.html,
      metadata: input.metadata,
      sendAt,
      ...(await subjectsOf(ctx, workspace, 'email', input)),
    };
  });
  return unlessBlocked(created);
}

/** What leaves today through the operator's mail server has to find room. @throws AppError rate_limited */
async function assertMailLeft(
  ctx: Context,
  workspaceId: ObjectId,
  input: EmailInput,
  sendAt: Date | undefined,
): Promise<void> {
  const isLater = sendAt !== undefined && sendAt >= nextDay(ctx.clock.now());
  if (isLater || !operatorMailUrl(ctx.config, workspaceId)) return;
  if (await findAccount(ctx, workspaceId, 'email')) return;
  await assertOperatorMailLeft(ctx, workspaceId, input);
}

function unlessBlocked(created: Created<Message>): Created<Message> {
  if (created.record.status === 'blocked') throw blocked(created.record);
  return created;
}

/** The number in international form. @throws AppError invalid */
export function requireRecipient(workspace: Workspace, to: string): string {
  const normalised = normalisePhone(to, workspace.defaultCountry);
  if (!normalised?.startsWith('+')) throw invalid('to', 'Must be a phone number with its country code');
  return normalised;
}

function sendTimeOf(
  ctx: Context,
  { delay, sendAt }: { delay?: number | undefined; sendAt?: Date | undefined },
): Date | undefined {
  const now = ctx.clock.now().getTime();
  if (delay !== undefined) return new Date(now + delay);
  if (sendAt && sendAt.getTime() - now > maxDelayMs) throw invalid('sendAt', 'Must be within a year');
  return sendAt;
}

/** Whom a message is about. */
export interface Subjects {
  leadId?: string;
  contactId?: string;
}

interface GivenSubjects {
  leadId?: string | undefined;
  contactId?: string | undefined;
}

/** As the caller names them; else those that have the address. @throws AppError invalid */
async function subjectsOf(
  ctx: Context,
  workspace: Workspace,
  channel: Channel,
  { to, leadId, contactId }: GivenSubjects & { to: string },
): Promise<Subjects> {
  if (leadId === undefined && contactId === undefined) {
    const { name: _, ...found } = await findSubjects(ctx, workspace, channel, to);
    return found;
  }
  if (leadId !== undefined) await assertKnown('leadId', leadId, (id) => getLead(ctx, workspace._id, id));
  if (contactId !== undefined)
    await assertKnown('contactId', contactId, (id) => getContact(ctx, workspace._id, id));
  return withoutUndefined({ leadId, contactId });
}

async function assertKnown(
  field: keyof Subjects,
  text: string,
  get: (id: ObjectId) => Promise<unknown>,
): Promise<void> {
  try {
    await get(requireId(text, field));
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'not_found')) throw error;
    throw invalid(field, 'Must be the id of a record of this workspace');
  }
}

/** The live lead and contact that have an address, and the name that they give its owner. */
export async function findSubjects(
  ctx: Context,
  workspace: Workspace,
  channel: Channel,
  address: string,
): Promise<Subjects & { name?: string }> {
  const [lead, contact] =
    channel === 'email'
      ? [await findLeadByEmail(ctx, workspace._id, address), null]
      : await Promise.all([
          findLeadByPhone(ctx, workspace, address),
          findContactByPhone(ctx, workspace, address),
        ]);
  return withoutUndefined({
    leadId: lead?._id.toHexString(),
    contactId: contact?._id.toHexString(),
    name: lead?.name ?? contact?.name,
  }) as Subjects & { name?: string };
}

/** @throws AppError not_found */
export async function getMessage(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<Message> {
  const message = await messages(ctx.db).findById(workspaceId, id);
  if (!message) throw notFound('Message');
  return message;
}

/** One page of messages, newest first unless the query says otherwise. */
export function listMessages(
  ctx: Context,
  workspace: Workspace,
  query: MessageQuery,
): Promise<Page<Message>> {
  const { limit, cursor, sort, createdAfter, createdBefore, to, from, ...exact } = query;
  const filters = Object.fromEntries(
    Object.entries({ ...exact, to: addressOf(workspace, to), from: addressOf(workspace, from) }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
  return listRecords(ctx, messageEntity, workspace._id, {
    limit,
    cursor,
    sort,
    createdAfter,
    createdBefore,
    filters,
    omit: ['html'],
  });
}

/** The messages with a lead or a contact, newest first; other records have none. */
export const listMessagesOf = async (
  ctx: Context,
  workspaceId: ObjectId,
  { type, id }: { type: string; id: ObjectId },
  page: { limit: number; cursor?: string | undefined },
): Promise<Page<Message>> =>
  type === 'lead' || type === 'contact'
    ? listRecords(ctx, messageEntity, workspaceId, {
        ...page,
        filters: { [`${type}Id`]: id.toHexString() },
        omit: ['html'],
      })
    : { records: [], nextCursor: null };

/** Numbers are stored in international form; anything else is looked for as it is. */
function addressOf(workspace: Workspace, text: string | undefined): string | undefined {
  if (text === undefined || !/^[+\d\s().-]+$/.test(text)) return text;
  return normalisePhone(text, workspace.defaultCountry) ?? text;
}

/** Keeps a message from being sent; cancelling it again changes nothing. @throws AppError not_found, conflict when it has left */
export async function cancelMessage(ctx: Context, workspaceId: ObjectId, id: ObjectId): Promise<Message> {
  const message = await moveMessage(ctx, workspaceId, id, {
    from: pendingStatuses,
    to: 'cancelled',
    unset: ['dueAt'],
  });
  if (message.status === 'cancelled') return message;
  throw new AppError('conflict', {
    message: `The message can no longer be cancelled: it is ${message.status}`,
  });
}
