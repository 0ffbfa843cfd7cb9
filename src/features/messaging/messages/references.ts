import { ObjectId } from '../../../lib/ids.ts';
import { facet } from '../../../records/facets.ts';
import { type ReferenceHolder, repointing } from '../../../records/references.ts';
import { updateRecord } from '../../../records/update.ts';
import { conversationEntity } from './conversations.ts';
import type { Conversation, Message } from './model.ts';
import { messageEntity } from './transitions.ts';

/** The messages, and their conversations, with a lead or contact that is merged into another. */
export const messagesAbout = (type: 'lead' | 'contact'): ReferenceHolder => {
  const field = `${type}Id` as const;
  return {
    name: `message.${field}`,
    entity: messageEntity as unknown as ReferenceHolder['entity'],
    facet: (to) => (to.type === type ? facet(field, to.id.toHexString()) : undefined),
    async repoint(ctx, author, record, { id }, to) {
      const revision = (current: Message | Conversation) =>
        current[field] === id.toHexString() ? { set: { [field]: to.toHexString() } } : undefined;
      const { conversationId } = record as Message;
      if (conversationId !== undefined) {
        const conversation = new ObjectId(conversationId);
        await updateRecord<Conversation>(ctx, conversationEntity, author, conversation, revision, repointing);
      }
      await updateRecord<Message>(ctx, messageEntity, author, record._id, revision, {
        ...repointing,
        known: record,
      });
    },
  };
};
