import type { Role } from '../../actor.ts';
import type { Context } from '../../context.ts';
import { duplicateKeyFields } from '../../infra/mongo.ts';
import { AppError, invalid, notFound } from '../../lib/errors.ts';
import { ObjectId, parseId } from '../../lib/ids.ts';
import { withoutUndefined } from '../../records/clean.ts';
import { createUser, findUserByEmail } from '../accounts/users.ts';
import { type Member, members } from './model.ts';

export interface MemberInput {
  name: string;
  email: string;
  role: Role;
  phone?: string | undefined;
  /** Opens an account, so that the member can sign in. */
  password?: string | undefined;
}

/** The document's team list has no pages. */
const teamMax = 1_000;

const cacheKey = (workspaceId: ObjectId, userId: ObjectId): string =>
  `member:${workspaceId.toHexString()}:${userId.toHexString()}`;

export function listMembers(ctx: Context, workspaceId: ObjectId): Promise<Member[]> {
  return members(ctx.db)
    .find(workspaceId, {}, { sort: { _id: 1 }, limit: teamMax })
    .toArray();
}

/** The person's place in the workspace's team, from memory when it was read in the last seconds. */
export function findMember(
  ctx: Context,
  workspaceId: ObjectId,
  userId: ObjectId,
): Promise<Member | undefined> {
  return ctx.cache.get(cacheKey(workspaceId, userId), async () => {
    return (await members(ctx.db).findOne(workspaceId, { userId })) ?? undefined;
  });
}

/** @throws AppError not_found */
export async function getMember(ctx: Context, workspaceId: ObjectId, userId: ObjectId): Promise<Member> {
  const member = await findMember(ctx, workspaceId, userId);
  if (!member) throw notFound('User');
  return member;
}

/** @throws AppError not_found */
export async function findMemberByEmail(
  ctx: Context,
  workspaceId: ObjectId,
  email: string,
): Promise<Member | null> {
  return members(ctx.db).findOne(workspaceId, { email: email.toLowerCase() });
}

/** Adds a person to the team, under the account that has the address, if any. @throws AppError conflict */
export async function createMember(ctx: Context, workspaceId: ObjectId, input: MemberInput): Promise<Member> {
  const email = input.email.toLowerCase();
  const user =
    (await findUserByEmail(ctx, email)) ??
    (input.password
      ? await createUser(ctx, { name: input.name, email, password: input.password })
      : undefined);
  const member: Member = withoutUndefined({
    _id: new ObjectId(),
    workspaceId,
    userId: user?._id ?? new ObjectId(),
    name: input.name,
    email,
    role: input.role,
    phone: input.phone,
    createdAt: ctx.clock.now(),
  });
  try {
    await members(ctx.db).insertOne(workspaceId, member);
  } catch (error) {
    if (duplicateKeyFields(error))
      throw new AppError('conflict', { message: 'A member with this email exists already' });
    throw error;
  }
  return member;
}

/** Where the person is a member; a person's own list, so it reads across workspaces. */
export function membershipsOf(ctx: Context, userId: ObjectId): Promise<Member[]> {
  return members(ctx.db)
    .acrossTenants.find({ userId }, { sort: { _id: 1 }, limit: teamMax })
    .toArray();
}

/** @throws AppError invalid naming `field` when one of the ids is no member of the workspace */
export async function assertMembers(
  ctx: Context,
  workspaceId: ObjectId,
  field: string,
  userIds: string | readonly string[] | undefined,
): Promise<void> {
  if (userIds === undefined) return;
  for (const text of typeof userIds === 'string' ? [userIds] : userIds) {
    const userId = parseId(text);
    if (!userId || !(await findMember(ctx, workspaceId, userId))) {
      throw invalid(field, 'Must be the user id of a team member of this workspace');
    }
  }
}
