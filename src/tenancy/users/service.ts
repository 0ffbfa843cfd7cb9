import { hash, verify } from '@node-rs/argon2';
import type { Context } from '../../context.ts';
import { duplicateKeyFields } from '../../infra/mongo-errors.ts';
import { withoutUndefined } from '../../lib/clean.ts';
import { AppError } from '../../lib/errors.ts';
import { ObjectId } from '../../lib/ids.ts';
import { type User, users } from './model.ts';

// The library's default is argon2id with 19 MiB, 2 passes and one lane, as OWASP recommends.
export const hashPassword = (password: string): Promise<string> => hash(password);

export interface UserInput {
  /** Fixed by a caller that refers to the account before it exists. */
  id?: ObjectId;
  name: string;
  email: string;
  password: string;
}

export const emailTaken = (): AppError =>
  new AppError('conflict', { message: 'This email has an account already' });

/**
 * @param proof what shows, or will show, that the address is theirs
 * @throws AppError conflict when the address has an account
 */
export async function createUser(
  ctx: Context,
  input: UserInput,
  proof: Pick<User, 'emailVerifiedAt' | 'verification'> = {},
): Promise<User> {
  const user: User = withoutUndefined({
    _id: input.id ?? new ObjectId(),
    name: input.name,
    email: input.email.toLowerCase(),
    passwordHash: await hashPassword(input.password),
    generation: 0,
    ...proof,
    createdAt: ctx.clock.now(),
  });
  try {
    await users(ctx.db).insertOne(user);
  } catch (error) {
    throw duplicateKeyFields(error) ? emailTaken() : error;
  }
  return user;
}

export const findUserByEmail = (ctx: Context, email: string): Promise<User | null> =>
  users(ctx.db).findOne({ email: email.toLowerCase() });

export const findUser = (ctx: Context, userId: ObjectId): Promise<User | null> =>
  users(ctx.db).findOne({ _id: userId });

let decoyHash: Promise<string> | undefined;

/** The account with this address and password. An unknown address takes as long as a wrong password. */
export async function authenticateUser(
  ctx: Context,
  email: string,
  password: string,
): Promise<User | undefined> {
  const user = await findUserByEmail(ctx, email);
  decoyHash ??= hashPassword('no account has this');
  const isPasswordRight = await verify(user?.passwordHash ?? (await decoyHash), password);
  return user && isPasswordRight ? user : undefined;
}

/** Notes that the address is theirs. */
export async function markVerified(ctx: Context, user: User): Promise<void> {
  if (user.emailVerifiedAt) return;
  await users(ctx.db).updateOne(
    { _id: user._id },
    { $set: { emailVerifiedAt: ctx.clock.now() }, $unset: { verification: true } },
  );
}

/**
 * Gives the account a new password, which ends the sessions of the old one in the same write.
 * @param secret the token by which it may; used up here
 * @returns undefined when somebody else was first with the token or the password
 */
export async function replacePassword(
  ctx: Context,
  user: User,
  passwordHash: string,
  { secret }: { secret?: string } = {},
): Promise<User | undefined> {
  const now = ctx.clock.now();
  const changed = await users(ctx.db).findOneAndUpdate(
    {
      _id: user._id,
      generation: user.generation,
      ...(secret ? { 'reset.tokenHash': secret, 'reset.expiresAt': { $gt: now } } : {}),
    },
    {
      $set: { passwordHash, ...(secret ? { emailVerifiedAt: user.emailVerifiedAt ?? now } : {}) },
      $inc: { generation: 1 },
      // Whoever else may have the mail of an earlier request must not undo this.
      $unset: { reset: true },
    },
    { returnDocument: 'after', hint: { _id: 1 } },
  );
  return changed ?? undefined;
}
