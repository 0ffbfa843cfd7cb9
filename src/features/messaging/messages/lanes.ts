import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { announce, nudge } from '../../../work/lanes.ts';
import type { Lanes } from '../../../work/work.ts';
import type { Channel } from '../channels.ts';
import { type MessageLane, messageLanes } from './model.ts';

/** A workspace's messages of one channel share a lane: they leave at one pace, through one provider. */
export const channelLanes: Lanes<MessageLane> = {
  name: 'messages',
  collection: messageLanes,
  locate: (key) => ({ fields: { channel: key as Channel }, hint: { workspaceId: 1, channel: 1 } }),
  keyOf: ({ channel }) => channel,
};

/**
 * Notes that a message will be due; call it before the message is stored.
 * @param pausedUntil the provider wants no message at all before
 */
export const announceMessage = (
  ctx: Context,
  workspaceId: ObjectId,
  channel: Channel,
  dueAt: Date,
  pausedUntil?: Date,
): Promise<void> => announce(ctx, channelLanes, { workspaceId, key: channel }, dueAt, pausedUntil);

/** Tells a worker that a message is due. */
export const nudgeChannel = (ctx: Context, workspaceId: ObjectId, channel: Channel): Promise<void> =>
  nudge(ctx, channelLanes, { workspaceId, key: channel });
