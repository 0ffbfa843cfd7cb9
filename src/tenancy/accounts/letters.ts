import type { Context } from '../../context.ts';
import type { Mail } from '../../infra/mail.ts';
import { sha256 } from '../../lib/crypto.ts';
import type { MailKind, OwedMail } from '../mail/model.ts';
import { findInvited } from '../members/invitations.ts';
import { oneTimeToken } from '../one-time-token.ts';
import { users } from '../users/model.ts';
import { findWorkspace } from '../workspaces/service.ts';

type Letter = Omit<Mail, 'to'>;

/** What the mails of the system say. Undefined for a token that nobody expects: withdrawn, replaced, used or expired. */
export async function composeLetter(ctx: Context, { _id, kind }: OwedMail): Promise<Letter | undefined> {
  const token = oneTimeToken(ctx, _id);
  return writers[kind](ctx, token);
}

const writers: Record<MailKind, (ctx: Context, token: string) => Promise<Letter | undefined>> = {
  async invitation(ctx, token) {
    const invited = await findInvited(ctx, token);
    const workspace = invited && (await findWorkspace(ctx, invited.workspaceId));
    if (!workspace) return undefined;
    const team = plainName(workspace.name);
    return letter(ctx, {
      subject: `Invitation to the team of ${team}`,
      text: `You are invited to the team of ${team}. The invitation is good for seven days.`,
      action: 'Accept the invitation',
      path: 'invitation',
      token,
    });
  },
  async reset(ctx, token) {
    const user = await users(ctx.db).findOne({ 'reset.tokenHash': sha256(token) }, { hint: 'reset' });
    if (!user?.reset || user.reset.expiresAt <= ctx.clock.now()) return undefined;
    return letter(ctx, {
      subject: 'Set a new password',
      text: 'Somebody, hopefully you, asked to set a new password for your account. This is good for an hour; until it is used, the old password stays.',
      action: 'Set a new password',
      path: 'password',
      token,
    });
  },
  async verification(ctx, token) {
    const tokenHash = sha256(token);
    const user = await users(ctx.db).findOne(
      { 'verification.tokenHash': tokenHash },
      { hint: 'verification' },
    );
    if (!user) return undefined;
    return letter(ctx, {
      subject: 'Confirm your address',
      text: 'An account was opened with this address. If that was you, confirm that the address is yours.',
      action: 'Confirm the address',
      path: 'verification',
      token,
    });
  },
};

interface Words {
  subject: string;
  text: string;
  action: string;
  path: string;
  token: string;
}

/** The token stands behind the #, which browsers keep to themselves: it reaches no log on the way. */
function letter({ config }: Context, { subject, text, action, path, token }: Words): Letter {
  const base = config.publicUrl?.replace(/\/$/, '') ?? `http://localhost:${config.port}`;
  const link = `${base}/${path}#token=${token}`;
  const otherwise = 'If you did not expect this mail, there is nothing to do.';
  return {
    subject,
    text: [text, `${action}:\n${link}`, `For programs, the token is ${token}`, otherwise].join('\n\n'),
    html: `<p>${text}</p><p><a href="${link}">${action}</a></p><p>${otherwise}</p>`,
  };
}

const nameMax = 60;

/**
 * A name that strangers chose, as the operator's mail server may say it: without the characters of addresses and markup,
 * so that no mail program makes a link of it.
 */
export const plainName = (name: string): string =>
  name
    .replace(/[^\p{L}\p{M}\p{N} '&,()-]+/gu, ' ')
    .replaceAll('&', 'and')
    .replace(/ +/g, ' ')
    .trim()
    .slice(0, nameMax);
