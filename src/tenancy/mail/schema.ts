import { z } from 'zod';

/** In an answer that would else have sent a mail. */
export const mailedToken = z
  .object({ token: z.string() })
  .describe('What the mail would carry. Only outside production, where no mail server is set up');
