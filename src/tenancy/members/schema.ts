import { z } from 'zod';
import { dateTimeOut, envelope, phoneNumber, shortText } from '../../lib/schemas.ts';
import { accountEmail, newPassword } from '../accounts/schema.ts';
import { roles } from '../actor.ts';

export const memberInput = z
  .object({
    name: shortText,
    email: accountEmail,
    role: z.enum(roles),
    phone: phoneNumber.optional(),
    password: newPassword
      .optional()
      .describe('Opens an account for the member, unless the email has one already'),
  })
  .meta({ id: 'TeamMemberInput' });

export const memberOut = z
  .object({
    _id: z.string().describe('The same as userId, so that either can be given as assignedTo'),
    userId: z.string(),
    name: z.string(),
    email: z.string(),
    role: z.enum(roles),
    phone: z.string().optional(),
    workspaceId: z.string(),
    createdAt: dateTimeOut,
  })
  .meta({ id: 'TeamMember' });

export const memberList = envelope(z.array(memberOut))
  .extend({ count: z.int() })
  .meta({ id: 'TeamMemberListResponse' });

export type MemberOut = z.output<typeof memberOut>;
