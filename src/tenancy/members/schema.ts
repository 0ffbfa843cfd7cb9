import { z } from 'zod';
import { cursor, dateTimeOut, envelope, limitOf, pageOf, phoneNumber, shortText } from '../../lib/schemas.ts';
import { roles } from '../actor.ts';
import { mailedToken } from '../mail/schema.ts';
import { accountEmail } from '../users/schema.ts';

export const memberInput = z
  .object({
    name: shortText,
    email: accountEmail,
    role: z.enum(roles),
    phone: phoneNumber.optional(),
    password: z
      .never({ error: 'Nobody sets it for somebody else: the invited person does' })
      .optional()
      .meta({ not: {}, description: 'Refused: the invited person sets it' }),
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

const invitable = memberOut
  .extend({
    status: z
      .enum(['active', 'invited'])
      .describe('invited: records can be assigned, and nobody signs in yet'),
    invitationExpiresAt: dateTimeOut.optional(),
  })
  .meta({ id: 'Member' });

export const member = envelope(invitable);
export const invited = envelope(invitable).extend({ invitation: mailedToken.optional() });
export const memberPage = pageOf(invitable).extend({ count: z.int().describe('Members on this page') });
export const memberPageQuery = z.object({ limit: limitOf(100), cursor });

export const memberUpdate = z
  .object({ name: shortText.optional(), role: z.enum(roles).optional(), phone: phoneNumber.optional() })
  .meta({ id: 'TeamMemberUpdate' });

export type MemberOut = z.output<typeof memberOut>;
