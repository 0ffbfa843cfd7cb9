import type { Invited } from './invitations.ts';
import type { Member } from './model.ts';
import type { MemberOut } from './schema.ts';

export const presentMember = (member: Member): MemberOut => ({
  _id: member.userId.toHexString(),
  userId: member.userId.toHexString(),
  name: member.name,
  email: member.email,
  role: member.role,
  phone: member.phone,
  workspaceId: member.workspaceId.toHexString(),
  createdAt: member.createdAt.toISOString(),
});

/** For the team itself, which sees who has not come yet. */
export const presentInvitable = (member: Member) => ({
  ...presentMember(member),
  status: member.accountId ? ('active' as const) : ('invited' as const),
  invitationExpiresAt: member.invitation?.expiresAt.toISOString(),
});

export const presentInvited = ({ member, token }: Invited) => ({
  success: true as const,
  data: presentInvitable(member),
  ...(token === undefined ? {} : { invitation: { token } }),
});

export const presentTeam = (members: Member[]) => ({
  success: true as const,
  count: members.length,
  data: members.map(presentMember),
});
