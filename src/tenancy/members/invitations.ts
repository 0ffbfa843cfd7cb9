import type { Context } from '../../context.ts';
import { duplicateKeyFields } from '../../infra/mongo-errors.ts';
import { sha256 } from '../../lib/crypto.ts';
import { AppError, notFound } from '../../lib/errors.ts';
import type { ObjectId } from '../../lib/ids.ts';
import { oweMail } from '../mail/service.ts';
import { expectToken } from '../one-time-token.ts';
import { enterIfAdmin } from './admins.ts';
import { type Member, members } from './model.ts';
import {
  createMember,
  findMemberByEmail,
  forgetMember,
  type MemberInput,
  memberExists,
  membershipsMax,
} from './service.ts';

/**
 * An address belongs to whoever receives its mail. So nobody is let into a team by what an admin knows of them: the
 * token goes by mail, and with it the person enters. The mail is owed before the member expects its token, so that a
 * process that dies in between leaves a mail that nobody waits for, and never a member whose mail is lost.
 */
const lifetimeMs = 7 * 24 * 3_600_000;

export interface Invited {
  member: Member;
  /** Where no mail is sent: the token that it would carry. */
  token: string | undefined;
}

/** @throws AppError conflict, rate_limited; unavailable when there is no mail server */
export async function inviteMember(
  ctx: Context,
  workspaceId: ObjectId,
  input: MemberInput,
): Promise<Invited> {
  if (await findMemberByEmail(ctx, workspaceId, input.email)) throw memberExists();
  const { mailId, token } = await oweMail(ctx, { kind: 'invitation', to: input.email, workspaceId });
  return { member: await createMember(ctx, workspaceId, input, expectToken(ctx, mailId, lifetimeMs)), token };
}

/** Sends a new invitation; the earlier one is void. @throws as inviteMember, and not_found */
export async function inviteAgain(ctx: Context, workspaceId: ObjectId, userId: ObjectId): Promise<Invited> {
  const invited = await members(ctx.db).findOne(workspaceId, { userId }, { hint: 'member' });
  if (!invited) throw notFound('Member');
  if (invited.accountId) throw hasJoined();
  const { mailId, token } = await oweMail(ctx, { kind: 'invitation', to: invited.email, workspaceId });
  const member = await members(ctx.db).findOneAndUpdate(
    workspaceId,
    { _id: invited._id, accountId: { $exists: false } },
    { $set: { invitation: expectToken(ctx, mailId, lifetimeMs) } },
    { hint: { _id: 1 } },
  );
  // Accepted or withdrawn meanwhile.
  if (!member) throw hasJoined();
  return { member, token };
}

const hasJoined = () => new AppError('conflict', { message: 'The member has joined already' });

/** The member who expects this token; the token is a secret that stands above workspaces. */
export async function findInvited(ctx: Context, token: string): Promise<Member | undefined> {
  const invited = await members(ctx.db).acrossTenants.findOne(
    { 'invitation.tokenHash': sha256(token) },
    { hint: 'invitation' },
  );
  return invited?.invitation && invited.invitation.expiresAt > ctx.clock.now() ? invited : undefined;
}

/**
 * Lets the account in, once: whoever accepts at the same moment, or after the invitation was taken back, is told so.
 * @returns undefined when the invitation is no longer there
 * @throws AppError conflict when the account is in the team already, or in too many
 */
export async function joinTeam(
  ctx: Context,
  invited: Member,
  accountId: ObjectId,
  name: string | undefined,
): Promise<Member | undefined> {
  const joined = members(ctx.db).acrossTenants;
  if (
    (await joined.countDocuments({ accountId }, { hint: 'memberships', limit: membershipsMax })) >=
    membershipsMax
  )
    throw new AppError('conflict', { message: `An account is in at most ${membershipsMax} workspaces` });
  const { _id, workspaceId, invitation } = invited;
  const member = await members(ctx.db)
    .findOneAndUpdate(
      workspaceId,
      { _id, 'invitation.tokenHash': invitation?.tokenHash ?? '' },
      { $set: { accountId, name: name ?? invited.name }, $unset: { invitation: true } },
      { hint: { _id: 1 } },
    )
    .catch((error: unknown) => {
      throw duplicateKeyFields(error) ? inTeam() : error;
    });
  if (!member) return undefined;
  await enterIfAdmin(ctx, member);
  await forgetMember(ctx, member);
  return member;
}

const inTeam = () => new AppError('conflict', { message: 'You are in this team already' });
