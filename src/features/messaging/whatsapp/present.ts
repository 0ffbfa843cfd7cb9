import type { Conversation, Message } from '../messages/model.ts';
import type { WhatsappTemplate } from './model.ts';
import type { ConversationOut, SentOut, TemplateOut } from './schema.ts';

/**
 * The answer to a send. It is the same for a retry hours later: the message was accepted, whatever has become of it.
 */
export function presentSent(message: Message & { providerId: string }): SentOut {
  return {
    success: true,
    data: {
      wamid: message.providerId,
      message: {
        _id: message._id.toHexString(),
        workspaceId: message.workspaceId.toHexString(),
        conversationId: message.conversationId,
        direction: message.direction,
        from: message.from,
        to: message.to,
        type: message.type,
        body: message.body,
        status: 'accepted',
        timestamp: message.createdAt.toISOString(),
      },
    },
  };
}

export function presentConversation(conversation: Conversation): ConversationOut {
  return {
    _id: conversation._id.toHexString(),
    customerWaId: conversation.customerWaId,
    customerName: conversation.customerName,
    customerPhone: conversation.customerPhone,
    status: conversation.status,
    leadId: conversation.leadId,
    contactId: conversation.contactId,
    lastMessagePreview: conversation.lastMessagePreview,
    lastMessageDirection: conversation.lastMessageDirection,
    lastMessageAt: conversation.lastMessageAt.toISOString(),
  };
}

export function presentTemplate(template: WhatsappTemplate): TemplateOut {
  return {
    _id: template._id.toHexString(),
    name: template.name,
    language: template.language,
    category: template.category,
    status: template.status,
    components: template.components,
    syncedAt: template.syncedAt.toISOString(),
  };
}
