import { Schema } from 'mongoose';
import { tenantCollection } from '../../infra/mongo.ts';
import type { TenantDocument } from '../../infra/tenant-collection.ts';
import type { ObjectId } from '../../lib/ids.ts';
import { type Role, roles } from '../actor.ts';

/** A person in a workspace's team. Whoever can also sign in has an account under the same `userId`. */
export interface Member extends TenantDocument {
  userId: ObjectId;
  name: string;
  email: string;
  role: Role;
  phone?: string;
  createdAt: Date;
}

const memberSchema = new Schema<Member>({
  workspaceId: { type: Schema.Types.ObjectId, required: true },
  userId: { type: Schema.Types.ObjectId, required: true },
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
// The workspaces of a person who signs in.
memberSchema.index({ userId: 1, _id: 1 }, { name: 'memberships' });

export const members = tenantCollection<Member>('members', memberSchema);
