import type { Config } from '../../config.ts';
import type { Context } from '../../context.ts';
import { AppError } from '../../lib/errors.ts';
import type { ObjectId } from '../../lib/ids.ts';
import { type Allowance, leftToday, nextDay, takeToday } from '../../tenancy/daily-use.ts';

/**
 * The operator's mail server is no open relay: only workspaces that OPERATOR_MAIL names send through it, each to
 * OPERATOR_MAIL_PER_DAY recipients a day. Everybody else brings an account of their own; until then the sandbox serves.
 */
export function operatorMailUrl(
  { smtpUrl, operatorMail }: Config,
  workspaceId: ObjectId,
): string | undefined {
  const isApproved = operatorMail === 'all' || operatorMail.includes(workspaceId.toHexString());
  return isApproved ? smtpUrl : undefined;
}

/** Whoever gets an email. */
interface Recipients {
  to: string;
  cc?: string[] | undefined;
}

const countOf = ({ cc = [] }: Recipients): number => 1 + cc.length;

const allowanceOf = ({ config }: Context, workspaceId: ObjectId): Allowance => ({
  workspaceId,
  name: 'operator-mail',
  perDay: config.operatorMailPerDay,
});

export const usedUpReason = ({ config }: Context): string =>
  `The ${config.operatorMailPerDay} recipients a day through the server’s own mail account are used up; ` +
  'store a mail account of the workspace’s own to send more';

/**
 * Tells a sender at once when an email would find the day's allowance used up; whether it does is decided when it
 * leaves. @throws AppError rate_limited
 */
export async function assertOperatorMailLeft(
  ctx: Context,
  workspaceId: ObjectId,
  recipients: Recipients,
): Promise<void> {
  if ((await leftToday(ctx, allowanceOf(ctx, workspaceId))) >= countOf(recipients)) return;
  const now = ctx.clock.now();
  const waitSeconds = Math.ceil((nextDay(now).getTime() - now.getTime()) / 1_000);
  throw new AppError('rate_limited', {
    message: usedUpReason(ctx),
    headers: { 'Retry-After': String(waitSeconds) },
  });
}

/** Takes an email's recipients from the day's allowance. @returns what gives them back; undefined when it is used up */
export const takeOperatorMail = (
  ctx: Context,
  workspaceId: ObjectId,
  recipients: Recipients,
): Promise<(() => Promise<void>) | undefined> =>
  takeToday(ctx, allowanceOf(ctx, workspaceId), countOf(recipients));
