import type { Context } from '../../../context.ts';
import type { Scope } from '../../../tenancy/actor.ts';
import type { Job } from './model.ts';

/**
 * One kind of job: work on a workspace's records that takes longer than a request may. It is done in slices, each of
 * which says where the next one begins; that stands in the job's own row together with what has been done, so a process
 * that dies costs one slice, which is done again. A slice therefore has to bear being repeated, also beside itself.
 */
export interface JobKind {
  /** The record and what is done: "tag.rename". Stays the same from version to version. */
  readonly name: string;
  /** What a caller needs to cancel such a job; without it none can be cancelled, as half of it would be nonsense. */
  readonly cancelledWith?: Scope;
  /**
   * Does a small part of the job, in about a second at most.
   * @throws AppError with a status below 500 to end the job as failed; anything else has the slice tried again
   */
  slice(ctx: Context, job: Job): Promise<Slice>;
}

export interface Slice {
  /** Where the next slice begins; the last one has none. */
  cursor?: object | undefined;
  /** How many records this slice has dealt with, and those among them that could not be. */
  done?: number;
  failed?: number;
  /** How many there are altogether, once it is known. */
  total?: number | undefined;
  /** The next slice is not due before. */
  resumeAt?: Date | undefined;
}
