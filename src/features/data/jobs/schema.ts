import { z } from 'zod';
import { cursor, dateTimeOut, limitOf } from '../../../lib/schemas.ts';
import { jobStatuses } from './model.ts';

export const jobsQuery = z.object({
  limit: limitOf(10),
  cursor,
  status: z.enum(jobStatuses).optional(),
  type: z.string().min(1).max(100).optional(),
});

export const jobOut = z
  .object({
    _id: z.string(),
    workspaceId: z.string(),
    type: z.string().describe('What is done: "tag.rename"'),
    subject: z.object({ type: z.string(), id: z.string() }).describe('The record that it is about'),
    status: z.enum(jobStatuses),
    progress: z.object({
      total: z.int().optional().describe('Records to be dealt with; left out until it is known'),
      done: z.int(),
      failed: z.int().describe('Records that could not be dealt with'),
    }),
    error: z.string().optional().describe('Why it failed'),
    createdBy: z.string(),
    createdAt: dateTimeOut,
    updatedAt: dateTimeOut,
    finishedAt: dateTimeOut.optional(),
  })
  .meta({ id: 'Job' });

export type JobOut = z.output<typeof jobOut>;
