import type { Context } from '../../context.ts';
import { AppError } from '../../lib/errors.ts';
import type { ObjectId } from '../../lib/ids.ts';
import { type Member, members, teams } from './model.ts';

/**
 * A workspace always has an admin who can sign in. Two admins who remove each other at the same moment change different
 * documents, so who counts as one is written down in one more: an admin leaves it before ceasing to be one, and only
 * while somebody else is there. Whoever is in it is an admin; one whose entry was lost with a dying process is entered
 * when the role is given again, and until then only fails to count for others.
 */

/** Whether the member is an admin who can sign in. */
export const isAdmin = ({ role, accountId }: Member): boolean => role === 'admin' && accountId !== undefined;

/** To be called after the member was written, whatever its role. */
export async function enterIfAdmin(ctx: Context, member: Member): Promise<void> {
  if (!isAdmin(member)) return;
  const { workspaceId, _id, userId } = member;
  await teams(ctx.db).upsert(workspaceId, { _id: workspaceId }, { $addToSet: { adminIds: userId } });
  // Who lost the role meanwhile was not there to leave.
  const now = await members(ctx.db).findById(workspaceId, _id);
  if (!now || !isAdmin(now)) await strike(ctx, workspaceId, userId);
}

/** To be called before an admin loses the role or the place. @throws AppError conflict when nobody else is one */
export async function leaveAdmins(ctx: Context, workspaceId: ObjectId, userId: ObjectId): Promise<void> {
  const left = await teams(ctx.db).updateOne(
    workspaceId,
    { _id: workspaceId, adminIds: { $elemMatch: { $ne: userId } } },
    { $pull: { adminIds: userId } },
    { hint: { _id: 1 } },
  );
  if (!left)
    throw new AppError('conflict', { message: 'A workspace needs an admin, and this is the last one' });
}

/** Once more after the loss: somebody may have entered them in between. */
export async function strike(ctx: Context, workspaceId: ObjectId, userId: ObjectId): Promise<void> {
  await teams(ctx.db).updateOne(
    workspaceId,
    { _id: workspaceId },
    { $pull: { adminIds: userId } },
    { hint: { _id: 1 } },
  );
}
