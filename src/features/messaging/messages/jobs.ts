import type { Job } from '../../../infra/jobs.ts';
import { ObjectId } from '../../../lib/ids.ts';
import type { Channel } from '../channels.ts';
import { nudgeDueLanes } from './lanes.ts';
import { runLane } from './run-lane.ts';

/** Sends messages, lane by lane. A lane waits for its provider most of the time, so many are served at once. */
export const messageJob: Job = {
  queue: 'messages',
  concurrency: 100,
  process: (ctx, { workspaceId, channel }, signal) =>
    runLane(ctx, new ObjectId(workspaceId), channel as Channel, signal),
  sweep: nudgeDueLanes,
};
