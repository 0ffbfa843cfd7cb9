import type { Job } from './model.ts';
import type { JobOut } from './schema.ts';

export const presentJob = (job: Job): JobOut => ({
  _id: job._id.toHexString(),
  workspaceId: job.workspaceId.toHexString(),
  type: job.kind,
  subject: { type: job.subject.type, id: job.subject.id.toHexString() },
  status: job.status,
  progress: { total: job.total, done: job.done, failed: job.failed },
  error: job.error,
  createdBy: job.author.id,
  createdAt: job.createdAt.toISOString(),
  updatedAt: job.updatedAt.toISOString(),
  finishedAt: job.finishedAt?.toISOString(),
});
