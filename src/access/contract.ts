import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import type { Session } from '../tenancy/accounts/model.ts';
import type { Actor, RateLimits } from '../tenancy/actor.ts';
import type { KeyKind } from './key-kind.ts';

/** Whom a credential stands for. A key is an actor as it is, a person becomes one in the workspace that they enter. */
export type Identity = { actor: Actor; session?: undefined } | { session: Session; actor?: undefined };

/** A kind of credential: keys of a contract, access tokens, sessions. */
export interface Credential {
  /** Whether the text can be one at all; what can't is refused without a look-up. */
  isFormed(text: string): boolean;
  /** @returns undefined when it is unknown or dead. @throws AppError forbidden when it is not to be used like this */
  identify(ctx: Context, text: string, address: string): Promise<Identity | undefined>;
}

/** A place in the request where credentials are, and those that are taken there. */
export type Carrier = { takes: readonly Credential[] } & (
  | { in: 'bearer' }
  /** In small letters. */
  | { in: 'header'; name: string }
  /** A browser sends it whoever makes it ask, so changes are held against where the request comes from. */
  | { in: 'cookie'; name: string }
);

/** An API towards clients, in what concerns who they are. Routes say what they demand; this says the rest. */
export interface Contract {
  name: string;
  /** The API that it opens, in one word, where others open the same. */
  api?: string;
  /** The first place that holds anything decides. */
  carriers: readonly Carrier[];
  /**
   * Where the workspace is named: in the path, by the credential alone, or wherever the request likes to (see
   * named-workspace.ts).
   */
  workspaceIn: 'path' | 'credential' | 'request';
  /** Whose requests are counted together. */
  limitBy: 'credential' | 'address';
  /** What its document allows a signed-in person, where that is not what the server allows. */
  personLimits?: Partial<RateLimits>;
  /** How X-RateLimit-Reset tells when there is room again: in so many seconds, or at that Unix time. */
  resetsIn?: 'seconds' | 'unixTime';
  /** The keys that it has, if it has some of its own. */
  keyKind?: KeyKind;
  /** Security schemes of the native document; a contract without has no operations in it. */
  security?: Record<string, never[]>[];
  /** What it says to a key that lacks what a route demands, and to one in a workspace that enforces OAuth. */
  words: { lacks(grant: string): string; oauthEnforced: string };
  /** Renders its errors; left out where they are the native ones. */
  errorHandler?(
    ctx: Context,
  ): (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => FastifyReply;
}
