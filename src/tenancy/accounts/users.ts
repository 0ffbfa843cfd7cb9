import { hash, verify } from '@node-rs/argon2';
import type { Context } from '../../context.ts';
import { duplicateKeyFields } from '../../infra/mongo-errors.ts';
import { AppError } from '../../lib/errors.ts';
import { ObjectId } from '../../lib/ids.ts';
import { type User, users } from './model.ts';

// The library's default is argon2id with 19 MiB, 2 passes and one lane, as OWASP recommends.
const hashPassword = (password: string): Promise<string> => hash(password);

export interface UserInput {
  /** Fixed by a caller that refers to the account before it exists. */
  id?: ObjectId;
  name: string;
  email: string;
  password: string;
}

export const emailTaken = (): AppError =>
  new AppError('conflict', { message: 'This email has an account already' });

/** @throws AppError conflict when the address has an account */
export async function createUser(ctx: Context, input: UserInput): Promise<User> {
  const user: User = {
    _id: input.id ?? new ObjectId(),
    name: input.name,
    email: input.email.toLowerCase(),
    passwordHash: await hashPassword(input.password),
    createdAt: ctx.clock.now(),
  };
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
