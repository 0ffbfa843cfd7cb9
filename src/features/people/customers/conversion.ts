import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { EventListener } from '../../../records/relay.ts';
import { systemIn } from '../../../tenancy/actor.ts';
import { convertLeadOf } from './service.ts';

/**
 * Hears of every new customer of every workspace and converts its lead. The create has done so already, unless its
 * process died in between: then the event waits in the customer, and the sweep brings it here.
 */
export const leadConversion = (ctx: Context): EventListener => ({
  name: 'lead conversion',
  isListening: async (_workspaceId, type) => type === 'customer.created',
  async accept(events) {
    const created = events.filter(({ type }) => type === 'customer.created');
    const outcomes = await Promise.allSettled(
      created.map(({ workspaceId, record }) =>
        convertLeadOf(ctx, systemIn(workspaceId), record._id as ObjectId),
      ),
    );
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  },
});
