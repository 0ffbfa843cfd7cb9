import { z } from 'zod';
import { dateTimeOut } from '../../../lib/schemas.ts';

/** Body of a comment or note. */
export const contentInput = z
  .object({ content: z.string().trim().min(1).max(20_000) })
  .meta({ id: 'ContentInput' });

const contentOut = {
  _id: z.string(),
  workspaceId: z.string(),
  leadId: z.string(),
  content: z.string(),
  createdBy: z.string(),
  createdAt: dateTimeOut,
};
export const commentOut = z.object(contentOut).meta({ id: 'Comment' });
export const noteOut = z.object(contentOut).meta({ id: 'Note' });
