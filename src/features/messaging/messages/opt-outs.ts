import type { Context } from '../../../context.ts';
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

/** From now on nothing is sent to the address on this channel; opting out twice is opting out. */
export async function optOut(
  ctx: Context,
  workspaceId: ObjectId,
  channel: Channel,
  address: string,
  source: OptOut['source'],
): Promise<void> {
  await optOuts(ctx.db).upsert(
    workspaceId,
    { channel, address: keyOf(address) },
    { $setOnInsert: { source, createdAt: ctx.clock.now() } },
  );
}

/** Takes an opt-out back. */
export async function optIn(
  ctx: Context,
  workspaceId: ObjectId,
  channel: Channel,
  address: string,
): Promise<void> {
  await optOuts(ctx.db).deleteMany(workspaceId, { channel, address: keyOf(address) });
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
    { channel, address: { $in: addresses.map(keyOf) } },
    { hint: 'address', projection: { workspaceId: 1, address: 1 } },
  );
  return found?.address;
}
