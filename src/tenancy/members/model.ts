import { Schema } from 'mongoose';
import { tenantCollection } from '../../infra/mongo.ts';
import type { TenantDocument } from '../../infra/tenant-collection.ts';
import type { ObjectId } from '../../lib/ids.ts';
import { type Role, roles } from '../actor.ts';
import type { OneTimeSecret } from '../one-time-token.ts';

/**
 * A person's place in a workspace's team. Records are assigned to its `userId`, from the invitation on and for good; who
 * may enter by it is another question, and `accountId` is the answer once the invitation has been accepted.
 */
export interface Member extends TenantDocument {
  /** The account's id wherever the address had an account at the invitation, or got it by accepting. */
  userId: ObjectId;
  /** Who signs in into the workspace. Absent: nobody yet. */
  accountId?: ObjectId;
  invitation?: OneTimeSecret;
  name: string;
  email: string;
  role: Role;
  phone?: string;
  createdAt: Date;
}

const memberSchema = new Schema<Member>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  userId: { type: Schema.Types.ObjectId, required: true },
  accountId: Schema.Types.ObjectId,
  invitation: { _id: false, tokenHash: String, expiresAt: Date },
  name: { type: String, required: true },
  email: { type: String, required: true },
  role: { type: String, enum: roles, required: true },
  phone: String,
  createdAt: { type: Date, required: true },
});
// The team, in the order of joining.
memberSchema.index({ workspaceId: 1, _id: 1 }, { name: 'team' });
// Is this person in the team; whom is a record assigned to.
memberSchema.index({ workspaceId: 1, userId: 1 }, { name: 'member', unique: true });
// Each address once; who is invited already.
memberSchema.index({ workspaceId: 1, email: 1 }, { name: 'member_by_email', unique: true });
// May this account enter; once per team.
memberSchema.index(
  { workspaceId: 1, accountId: 1 },
  { name: 'membership', unique: true, partialFilterExpression: { accountId: { $exists: true } } },
);
// The workspaces of a person who signs in.
memberSchema.index({ accountId: 1, _id: 1 }, { name: 'memberships', sparse: true });
// Which invitation a token belongs to.
memberSchema.index({ 'invitation.tokenHash': 1 }, { name: 'invitation', sparse: true });

export const members = tenantCollection<Member>('members', memberSchema);

/** What must hold for a team as a whole, in one document under the workspace's id. */
export interface Team extends TenantDocument {
  /** User ids of admins who have joined; nobody else's. */
  adminIds: ObjectId[];
}

const teamSchema = new Schema<Team>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  adminIds: [Schema.Types.ObjectId],
});

export const teams = tenantCollection<Team>('teams', teamSchema);
