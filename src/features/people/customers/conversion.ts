import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { EventListener } from '../../../records/relay.ts';
import { convertLeadOf } from './service.ts';

/**
 * Hears of every new customer of every workspace and converts its lead. The create has done so already, unless its
 * process died in between: then the event waits in the customer, and the sweep brings it here.
 */
export const leadConversion = (ctx: Context): EventListener => ({
  isListening: async (_workspaceId, type) => type === 'customer.created',
  async accept(events) {
    for (const { type, workspaceId, record } of events) {
      if (type === 'customer.created') await convertLeadOf(ctx, workspaceId, record._id as ObjectId);
    }
  },
});
