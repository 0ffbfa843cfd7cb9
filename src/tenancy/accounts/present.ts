import type { Session } from './model.ts';

export const presentSession = (session: Session, current: Session) => ({
  _id: session._id.toHexString(),
  address: session.address,
  userAgent: session.userAgent,
  isCurrent: session._id.equals(current._id),
  createdAt: session.createdAt.toISOString(),
  expiresAt: session.expiresAt.toISOString(),
});

/** The token of a mail that is not sent, under the name of what it opens. */
export const withToken = <const N extends string>(name: N, token: string | undefined) =>
  (token === undefined ? {} : { [name]: { token } }) as { [K in N]?: { token: string } };
