import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { insertRecord } from '../../../records/insert.ts';
import { check, lookUp, wantedFacets } from '../../../records/list.ts';
import { type Page, pageByPosition } from '../../../records/page.ts';
import type { Entity } from '../../../records/record.ts';
import { updateRecord } from '../../../records/update.ts';
import { systemIn } from '../../../tenancy/actor.ts';
import { type Conversation, type ConversationStatus, conversations, type Message } from './model.ts';

/** Conversations are listed by their last message, which records/list does not know; the rest is a record's. */
export const conversationEntity: Entity<Conversation> = {
  label: 'Conversation',
  collection: conversations,
  facets: { customerName: 'words', customerPhone: 'phone', status: 'value' },
  events: {},
  present: () => ({}),
};

export interface Person {
  /** In international form. */
  phone: string;
  /** As the person calls themselves. */
  name?: string | undefined;
  /** As the workspace calls the person: for a conversation that has no name. */
  fallbackName?: string | undefined;
  leadId?: string | undefined;
  contactId?: string | undefined;
}

/** WhatsApp's id of a person: the number's digits. */
const waIdOf = (phone: string): string => phone.replace(/\D/g, '');

/** The conversation with a person; begun when there is none. Learns the name, lead and contact that it lacks. */
export async function openConversation(
  ctx: Context,
  workspaceId: ObjectId,
  person: Person,
): Promise<Conversation> {
  const { phone, leadId, contactId } = person;
  const customerWaId = waIdOf(phone);
  const find = () => conversations(ctx.db).findOne(workspaceId, { customerWaId }, { hint: 'customer' });
  const found = await find();
  if (found) return learn(ctx, found, person);
  const fields = {
    customerWaId,
    customerPhone: phone,
    customerName: person.name ?? person.fallbackName,
    status: 'open' as const,
    leadId,
    contactId,
    lastMessageAt: ctx.clock.now(),
  };
  const begunMeanwhile = new Error('The conversation was begun by another message');
  try {
    return await insertRecord(ctx, conversationEntity, systemIn(workspaceId), fields, {
      onDuplicate: async () => begunMeanwhile,
    });
  } catch (error) {
    const other = error === begunMeanwhile ? await find() : null;
    if (!other) throw error;
    return other;
  }
}

function learn(
  ctx: Context,
  conversation: Conversation,
  person: Person,
): Conversation | Promise<Conversation> {
  const { leadId, contactId } = person;
  const name = person.name ?? (conversation.customerName ? undefined : person.fallbackName);
  const set = {
    ...(name && name !== conversation.customerName ? { customerName: name } : {}),
    ...(leadId && leadId !== conversation.leadId ? { leadId } : {}),
    ...(contactId && contactId !== conversation.contactId ? { contactId } : {}),
  };
  if (Object.keys(set).length === 0) return conversation;
  return updateRecord(ctx, conversationEntity, systemIn(conversation.workspaceId), conversation._id, { set });
}

const previewLength = 120;

/**
 * Shows a message as its conversation's last one, unless a later one is shown already; what comes in opens the
 * conversation again. Safe to repeat, and every message on its way is shown by whoever handles it next.
 */
export async function showInConversation(ctx: Context, message: Message, id: ObjectId): Promise<void> {
  const at = message.receivedAt ?? message.createdAt;
  const set = {
    lastMessagePreview: (message.body ?? message.template?.name ?? `[${message.type}]`).slice(
      0,
      previewLength,
    ),
    lastMessageDirection: message.direction,
    lastMessageAt: at,
    ...(message.direction === 'inbound' ? { status: 'open' } : {}),
  };
  await updateRecord(ctx, conversationEntity, systemIn(message.workspaceId), id, (shown) =>
    shown.lastMessagePreview === undefined || isLater(shown, set) ? { set } : undefined,
  );
}

type Shown = Pick<Conversation, 'lastMessageAt' | 'lastMessagePreview' | 'lastMessageDirection'>;

/** Providers tell times in seconds: of two messages of one second the one that is handled later is shown. */
const isLater = (shown: Shown, next: Shown): boolean =>
  shown.lastMessageAt < next.lastMessageAt ||
  (Number(shown.lastMessageAt) === Number(next.lastMessageAt) &&
    (shown.lastMessagePreview !== next.lastMessagePreview ||
      shown.lastMessageDirection !== next.lastMessageDirection));

/** @throws AppError not_found */
export const setConversationStatus = (
  ctx: Context,
  workspaceId: ObjectId,
  id: ObjectId,
  status: ConversationStatus,
): Promise<Conversation> =>
  updateRecord(ctx, conversationEntity, systemIn(workspaceId), id, { set: { status } });

export interface ConversationQuery {
  limit: number;
  cursor?: string | undefined;
  search?: string | undefined;
  status?: ConversationStatus | undefined;
}

/** One page of conversations, the liveliest first. */
export function listConversations(
  ctx: Context,
  workspaceId: ObjectId,
  query: ConversationQuery,
): Promise<Page<Conversation>> {
  const { limit, cursor, search, status } = query;
  const [first, ...others] = wantedFacets(conversationEntity, {
    q: search,
    filters: status ? { status } : {},
  });
  return pageByPosition(conversations(ctx.db), workspaceId, {
    filter: lookUp(first),
    others: others.map(check),
    field: 'lastMessageAt',
    direction: -1,
    hint: first ? 'found' : 'latest',
    limit,
    cursor,
    projection: { facets: 0 },
  });
}
