import type { Context } from '../../context.ts';
import { duplicateKeyFields } from '../../infra/mongo-errors.ts';
import { withoutUndefined } from '../../lib/clean.ts';
import { AppError, invalid, notFound } from '../../lib/errors.ts';
import { ObjectId, parseId } from '../../lib/ids.ts';
import { createUser, findUserByEmail } from '../accounts/users.ts';
import type { Role } from '../actor.ts';
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
    .find(workspaceId, {}, { sort: { _id: 1 }, limit: teamMax, hint: 'team' })
    .toArray();
}

/** The person's place in the workspace's team, from memory when it was read in the last seconds. */
export function findMember(
  ctx: Context,
  workspaceId: ObjectId,
  userId: ObjectId,
): Promise<Member | undefined> {
  return ctx.cache.get(cacheKey(workspaceId, userId), async () => {
    return (await members(ctx.db).findOne(workspaceId, { userId }, { hint: 'member' })) ?? undefined;
  });
}

/** @throws AppError not_found */
export async function getMember(ctx: Context, workspaceId: ObjectId, userId: ObjectId): Promise<Member> {
  const member = await findMember(ctx, workspaceId, userId);
  if (!member) throw notFound('User');
  return member;
}

export function findMemberByEmail(
  ctx: Context,
  workspaceId: ObjectId,
  email: string,
): Promise<Member | null> {
  return members(ctx.db).findOne(workspaceId, { email: email.toLowerCase() }, { hint: 'member_by_email' });
}

/**
 * Adds a person to the team, under the account that has the address, if any. With a password an account is opened
 * first; when the process dies in between, the next attempt finds it. @throws AppError conflict
 */
export async function createMember(ctx: Context, workspaceId: ObjectId, input: MemberInput): Promise<Member> {
  const { name, email, password } = input;
  if (await findMemberByEmail(ctx, workspaceId, email)) throw memberExists();
  const user =
    (await findUserByEmail(ctx, email)) ??
    (password ? await createUser(ctx, { name, email, password }) : undefined);
  return addMember(ctx, workspaceId, user?._id ?? new ObjectId(), input);
}

/** Adds the person with this user id to the team. @throws AppError conflict */
export async function addMember(
  ctx: Context,
  workspaceId: ObjectId,
  userId: ObjectId,
  input: MemberInput,
): Promise<Member> {
  const member: Member = withoutUndefined({
    _id: new ObjectId(),
    workspaceId,
    userId,
    name: input.name,
    email: input.email.toLowerCase(),
    role: input.role,
    phone: input.phone,
    createdAt: ctx.clock.now(),
  });
  try {
    await members(ctx.db).insertOne(workspaceId, member);
  } catch (error) {
    throw duplicateKeyFields(error) ? memberExists() : error;
  }
  return member;
}

const memberExists = () => new AppError('conflict', { message: 'A member with this email exists already' });

/** Where the person is a member; a person's own list, so it reads across workspaces. */
export function membershipsOf(ctx: Context, userId: ObjectId): Promise<Member[]> {
  return members(ctx.db)
    .acrossTenants.find({ userId }, { sort: { _id: 1 }, limit: teamMax, hint: 'memberships' })
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
