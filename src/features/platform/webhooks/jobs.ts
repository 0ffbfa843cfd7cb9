import type { Job } from '../../../infra/jobs.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { sweepLanes } from './lanes.ts';
import { runLane } from './run.ts';
import { sweepNotices } from './service.ts';

/** A lane that hangs holds its place for one timeout in half a minute; these are places for many such endpoints. */
const lanesPerWorker = 500;

/** Delivers webhooks: one job looks after one endpoint for a while. */
export const webhooksJob: Job = {
  queue: 'webhooks',
  concurrency: lanesPerWorker,
  process: (ctx, { workspaceId, subscriptionId }, signal) =>
    runLane(
      ctx,
      { workspaceId: new ObjectId(workspaceId), subscriptionId: new ObjectId(subscriptionId) },
      signal,
    ),
  async sweep(ctx) {
    await sweepLanes(ctx);
    await sweepNotices(ctx);
  },
};
