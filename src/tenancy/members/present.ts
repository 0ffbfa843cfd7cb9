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

export const presentTeam = (members: Member[]) => ({
  success: true as const,
  count: members.length,
  data: members.map(presentMember),
});
