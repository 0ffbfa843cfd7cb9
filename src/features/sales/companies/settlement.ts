import type { Context } from '../../../context.ts';
import type { EventListener } from '../../../records/relay.ts';
import { systemIn } from '../../../tenancy/actor.ts';
import type { Company } from './record.ts';
import { settleInTree } from './service.ts';

/**
 * Hears of every new company and sees to it that it stands where it may. The create has done so already, unless its
 * process died in between: then the event waits in the company, and the sweep brings it here.
 */
export const companySettlement = (ctx: Context): EventListener => ({
  name: 'company tree',
  isListening: async (_workspaceId, type) => type === 'company.created',
  async accept(events) {
    for (const { type, workspaceId, record } of events) {
      if (type === 'company.created')
        await settleInTree(ctx, systemIn(workspaceId), record as unknown as Company);
    }
  },
});
