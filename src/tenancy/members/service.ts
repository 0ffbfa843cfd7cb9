import type { mongo } from 'mongoose';
import type { Context } from '../../context.ts';
import { duplicateKeyFields } from '../../infra/mongo-errors.ts';
import { withoutUndefined } from '../../lib/clean.ts';
import { decodeCursor, encodeCursor } from '../../lib/cursor.ts';
import { AppError, invalid, notFound } from '../../lib/errors.ts';
import { ObjectId, parseId } from '../../lib/ids.ts';
import type { Role } from '../actor.ts';
import type { OneTimeSecret } from '../one-time-token.ts';
import type { User } from '../users/model.ts';
import { findUserByEmail } from '../users/service.ts';
import { enterIfAdmin, isAdmin, leaveAdmins, strike } from './admins.ts';
import { type Member, members } from './model.ts';

export interface MemberInput {
  name: string;
  email: string;
  role: Role;
  phone?: string | undefined;
}

/** The document's team list has no pages, so that it must hold everybody. */
export const teamMax = 1_000;
/** A list of one's workspaces has no pages either. */
export const membershipsMax = 1_000;

const memberKey = (workspaceId: ObjectId, userId: ObjectId): string =>
  `member:${workspaceId.toHexString()}:${userId.toHexString()}`;
const membershipKey = (workspaceId: ObjectId, accountId: ObjectId): string =>
  `membership:${workspaceId.toHexString()}:${accountId.toHexString()}`;

/** Everybody: twice as many as may be, so that nobody whom a dying process let in beyond that is hidden. */
export function listMembers(ctx: Context, workspaceId: ObjectId): Promise<Member[]> {
  return members(ctx.db)
    .find(workspaceId, {}, { sort: { _id: 1 }, limit: 2 * teamMax, hint: 'team' })
    .toArray();
}

/** A page of the team, in the order of joining. */
export async function listMembersByPage(
  ctx: Context,
  workspaceId: ObjectId,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<{ page: Member[]; nextCursor: string | null }> {
  const after = cursor === undefined ? {} : { _id: { $gt: decodeCursor(cursor).id } };
  const options = { sort: { _id: 1 }, limit: limit + 1, hint: 'team' } as const;
  const found = await members(ctx.db).findPage(workspaceId, after, options);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  const isMore = found.length > limit && last !== undefined;
  return { page, nextCursor: isMore ? encodeCursor({ value: last.createdAt, id: last._id }) : null };
}

/** Whom a record is assigned to, from memory when it was read in the last seconds. */
export function findMember(
  ctx: Context,
  workspaceId: ObjectId,
  userId: ObjectId,
): Promise<Member | undefined> {
  return ctx.cache.get(memberKey(workspaceId, userId), async () => {
    return (await members(ctx.db).findOne(workspaceId, { userId }, { hint: 'member' })) ?? undefined;
  });
}

/** The place by which the account may enter the workspace, from memory when it was read in the last seconds. */
export function findMembership(
  ctx: Context,
  workspaceId: ObjectId,
  accountId: ObjectId,
): Promise<Member | undefined> {
  return ctx.cache.get(membershipKey(workspaceId, accountId), async () => {
    return (await members(ctx.db).findOne(workspaceId, { accountId }, { hint: 'membership' })) ?? undefined;
  });
}

/** The place that the account has had the longest, for a caller who names no workspace. */
export async function findFirstMembership(ctx: Context, accountId: ObjectId): Promise<Member | undefined> {
  const options = { sort: { _id: 1 }, limit: 1, hint: 'memberships' } as const;
  const [first] = await members(ctx.db).acrossTenants.find({ accountId }, options).toArray();
  return first;
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
 * Adds a person to the team, to whom records can be assigned and who can't sign in: accepting an invitation lets them.
 * @throws AppError conflict
 */
export async function createMember(
  ctx: Context,
  workspaceId: ObjectId,
  input: MemberInput,
  invitation?: OneTimeSecret,
): Promise<Member> {
  const user = await findUserByEmail(ctx, input.email);
  const userId = user?._id ?? new ObjectId();
  return insertMember(ctx, { workspaceId, userId, ...input, ...(invitation ? { invitation } : {}) });
}

/** Adds the owner of an account to the team, who can sign in at once. @throws AppError conflict */
export function addMember(
  ctx: Context,
  workspaceId: ObjectId,
  { _id, name, email }: Pick<User, '_id' | 'name' | 'email'>,
  role: Role,
): Promise<Member> {
  return insertMember(ctx, { workspaceId, userId: _id, accountId: _id, name, email, role });
}

type MemberDraft = MemberInput & Pick<Member, 'workspaceId' | 'userId' | 'accountId' | 'invitation'>;

async function insertMember(ctx: Context, draft: MemberDraft): Promise<Member> {
  const { workspaceId } = draft;
  const member: Member = withoutUndefined({
    _id: new ObjectId(),
    ...draft,
    email: draft.email.toLowerCase(),
    createdAt: ctx.clock.now(),
  });
  const collection = members(ctx.db);
  try {
    await collection.insertOne(workspaceId, member);
  } catch (error) {
    throw duplicateKeyFields(error) ? memberExists() : error;
  }
  // Counted afterwards, so that of several at once none slips through.
  if ((await collection.count(workspaceId, {}, { hint: 'team', limit: teamMax + 1 })) > teamMax) {
    await collection.findOneAndDelete(workspaceId, { _id: member._id }, { hint: { _id: 1 } });
    throw new AppError('conflict', { message: `A team has at most ${teamMax} members` });
  }
  await enterIfAdmin(ctx, member);
  return member;
}

export const memberExists = () =>
  new AppError('conflict', { message: 'A member with this email exists already' });

export type MemberChanges = { [K in 'name' | 'role' | 'phone']?: Member[K] | undefined };

/** Takes effect on every process at once. @throws AppError not_found; conflict for the last admin's role */
export function updateMember(
  ctx: Context,
  workspaceId: ObjectId,
  userId: ObjectId,
  changes: MemberChanges,
): Promise<Member> {
  const set = withoutUndefined(changes);
  return changeMember(
    ctx,
    workspaceId,
    userId,
    changes.role === undefined || changes.role === 'admin',
    (filter) => members(ctx.db).findOneAndUpdate(workspaceId, filter, { $set: set }, { hint: { _id: 1 } }),
  );
}

/**
 * Takes the person out of the team, or their invitation back: from then on no process lets them in. Records stay
 * assigned to them, as a part of their history. @throws AppError not_found; conflict for the last admin
 */
export async function removeMember(ctx: Context, workspaceId: ObjectId, userId: ObjectId): Promise<void> {
  await changeMember(ctx, workspaceId, userId, false, (filter) =>
    members(ctx.db).findOneAndDelete(workspaceId, filter, { hint: { _id: 1 } }),
  );
}

type Change = (filter: mongo.Filter<Member>) => Promise<Member | null>;

/**
 * Changes a member as it was read, or reads it again: whether there will be another admin was asked about that one.
 * @param isAdminKept whether an admin is still one afterwards
 */
async function changeMember(
  ctx: Context,
  workspaceId: ObjectId,
  userId: ObjectId,
  isAdminKept: boolean,
  change: Change,
): Promise<Member> {
  for (;;) {
    const member = await members(ctx.db).findOne(workspaceId, { userId }, { hint: 'member' });
    if (!member) throw notFound('Member');
    const isLeaving = isAdmin(member) && !isAdminKept;
    if (isLeaving) await leaveAdmins(ctx, workspaceId, userId);
    const { _id, role, accountId = { $exists: false } } = member;
    const changed = await change({ _id, role, accountId });
    if (!changed) continue;
    if (isLeaving) await strike(ctx, workspaceId, userId);
    else await enterIfAdmin(ctx, changed);
    await forgetMember(ctx, member);
    return changed;
  }
}

/** To be called after a member has changed: every process forgets what it remembers of it. */
export async function forgetMember(ctx: Context, { workspaceId, userId, accountId }: Member): Promise<void> {
  await Promise.all([
    ctx.cache.invalidate(memberKey(workspaceId, userId)),
    accountId && ctx.cache.invalidate(membershipKey(workspaceId, accountId)),
  ]);
}

/** Where the account may enter; a person's own list, so it reads across workspaces. */
export function membershipsOf(ctx: Context, accountId: ObjectId): Promise<Member[]> {
  return members(ctx.db)
    .acrossTenants.find({ accountId }, { sort: { _id: 1 }, limit: membershipsMax, hint: 'memberships' })
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
