import type { Context } from '../../../context.ts';
import { ObjectId } from '../../../lib/ids.ts';
import { announce, wake } from '../../../work/lanes.ts';
import type { Lane, LaneRef, Lanes } from '../../../work/work.ts';
import { laneRows } from './model.ts';

/** A workspace's jobs share one lane, under the workspace's id, and take turns in it. */
export const jobLanes: Lanes<Lane> = {
  name: 'jobs',
  collection: laneRows,
  locate: (key) => ({ fields: { _id: new ObjectId(key) }, hint: { _id: 1 } }),
  keyOf: ({ _id }) => _id.toHexString(),
};

const refOf = (workspaceId: ObjectId): LaneRef => ({ workspaceId, key: workspaceId.toHexString() });

/** Notes that a job will be due; call it before the job is stored. */
export const announceJob = (ctx: Context, workspaceId: ObjectId): Promise<void> =>
  announce(ctx, jobLanes, refOf(workspaceId), ctx.clock.now());

/** Has a worker look for jobs; call it once they are stored. */
export const wakeJobs = (ctx: Context, workspaceId: ObjectId): Promise<void> =>
  wake(ctx, jobLanes, [refOf(workspaceId)]);
