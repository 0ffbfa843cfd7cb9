import type { Message } from './model.ts';
import type { MessageOut } from './schema.ts';

/** What leaves the server as a message. */
export function presentMessage(message: Message): MessageOut {
  return {
    _id: message._id.toHexString(),
    workspaceId: message.workspaceId.toHexString(),
    channel: message.channel,
    direction: message.direction,
    type: message.type,
    from: message.from,
    to: message.to,
    cc: message.cc,
    subject: message.subject,
    body: message.body,
    html: message.html,
    template: message.template,
    status: message.status,
    error: message.error,
    providerId: message.providerId,
    conversationId: message.conversationId,
    leadId: message.leadId,
    contactId: message.contactId,
    metadata: message.metadata,
    sendAt: message.sendAt?.toISOString(),
    receivedAt: message.receivedAt?.toISOString(),
    attempts: message.attempts,
    history: message.history.map(({ status, at }) => ({ status, at: at.toISOString() })),
    createdAt: message.createdAt.toISOString(),
    updatedAt: message.updatedAt.toISOString(),
  };
}
