import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { awaitTurn } from '../../../work/pace.ts';
import type { Channel } from '../channels.ts';

/** Messages a second per workspace. WhatsApp's is what Meta allows a number by default. */
const perSecond: Record<Channel, number> = { whatsapp: 80, sms: 50, email: 100 };

/** Waits until the workspace may send one more message on the channel. */
export const awaitMessageTurn = (ctx: Context, workspaceId: ObjectId, channel: Channel): Promise<void> =>
  awaitTurn(ctx, `messages:${workspaceId.toHexString()}:${channel}`, perSecond[channel]);
