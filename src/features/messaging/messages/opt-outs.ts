import type { Context } from '../../../context.ts';
import { duplicateKeyFields } from '../../../infra/mongo-errors.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { Channel } from '../channels.ts';
import { type OptOut, optOuts } from './model.ts';

/** Replies that end and resume messages, as carriers have them; alone in a message, in any case. */
const stopWords = new Set(['stop', 'stopall', 'unsubscribe', 'cancel', 'end', 'quit', 'optout', 'revoke']);
const startWords = new Set(['start', 'unstop', 'subscribe', 'optin']);

/** What a reply asks for, if it is one of the keywords. */
export function keywordIn(text: string | undefined): 'stop' | 'start' | undefined {
  const word = text
    ?.trim()
    .toLowerCase()
    .replace(/[-\s.!]/g, '');
  if (word === undefined) return undefined;
  return stopWords.has(word) ? 'stop' : startWords.has(word) ? 'start' : undefined;
}

/** Numbers are normalised already; addresses of emails differ in case only. */
const keyOf = (address: string): string => address.toLowerCase();

/** When somebody decided, and when we first heard of it, which tells apart what the provider's clock does not. */
export interface DecisionTime {
  at: Date;
  heardAt: Date;
}

/** Nothing is sent to the address on this channel any more; opting out twice is opting out. */
export const optOut = (
  ctx: Context,
  workspaceId: ObjectId,
  channel: Channel,
  address: string,
  source: OptOut['source'],
  time: DecisionTime = now(ctx),
): Promise<void> => decide(ctx, workspaceId, channel, address, { isOut: true, source }, time);

/** Takes an opt-out back. */
export const optIn = (
  ctx: Context,
  workspaceId: ObjectId,
  channel: Channel,
  address: string,
  source: OptOut['source'],
  time: DecisionTime = now(ctx),
): Promise<void> => decide(ctx, workspaceId, channel, address, { isOut: false, source }, time);

function now(ctx: Context): DecisionTime {
  const at = ctx.clock.now();
  return { at, heardAt: at };
}

/**
 * The latest decision stands, in whatever order and however often they arrive: callbacks are correctly signed however
 * old they are, so a START that is replayed finds its STOP to be later and changes nothing.
 */
async function decide(
  ctx: Context,
  workspaceId: ObjectId,
  channel: Channel,
  address: string,
  decision: Pick<OptOut, 'isOut' | 'source'>,
  { at, heardAt }: DecisionTime,
): Promise<void> {
  const order = `${at.toISOString()} ${heardAt.toISOString()}`;
  const earlier = { channel, address: keyOf(address), order: { $not: { $gte: order } } };
  try {
    const set = { $set: { ...decision, order }, $setOnInsert: { createdAt: ctx.clock.now() } };
    await optOuts(ctx.db).upsert(workspaceId, earlier, set);
  } catch (error) {
    // The address has a decision that is not earlier, so the upsert tried to make a second row.
    if (!duplicateKeyFields(error)) throw error;
  }
}

/** The first of the addresses that has opted out. */
export async function findOptOut(
  ctx: Context,
  workspaceId: ObjectId,
  channel: Channel,
  addresses: string[],
): Promise<string | undefined> {
  const found = await optOuts(ctx.db).findOne(
    workspaceId,
    { channel, address: { $in: addresses.map(keyOf) }, isOut: { $ne: false } },
    { hint: 'address', projection: { workspaceId: 1, address: 1 } },
  );
  return found?.address;
}
