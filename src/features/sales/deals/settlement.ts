import type { Context } from '../../../context.ts';
import type { EventListener } from '../../../records/relay.ts';
import { systemIn } from '../../../tenancy/actor.ts';
import type { Deal } from './record.ts';
import { settleDeal } from './service.ts';

/**
 * Hears of every new deal and sees to it that it stands where it may. The create has done so already, unless its process
 * died in between: then the event waits in the deal, and the sweep brings it here.
 */
export const dealSettlement = (ctx: Context): EventListener => ({
  name: 'deal settlement',
  isListening: async (_workspaceId, type) => type === 'deal.created',
  async accept(events) {
    for (const { type, workspaceId, record } of events) {
      if (type === 'deal.created') await settleDeal(ctx, systemIn(workspaceId), record as unknown as Deal);
    }
  },
});
