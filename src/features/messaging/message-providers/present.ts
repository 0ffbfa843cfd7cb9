import type { Context } from '../../../context.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import type { Channel } from '../channels.ts';
import { operatorMailUrl } from '../operator-mail.ts';
import type { ProviderAccount } from './model.ts';
import type { ProviderOut } from './schema.ts';
import { openCredentials, UnreadableCredentials } from './service.ts';

const providerNames = { whatsapp: 'meta', sms: 'twilio', email: 'smtp' } as const;

/** Four characters of something this long give nothing away. */
const revealingLength = 12;

/** What an admin sees of a channel's provider: never a value. */
export function presentProvider(
  ctx: Context,
  workspaceId: ObjectId,
  channel: Channel,
  account: ProviderAccount | undefined,
): ProviderOut {
  const isOperated = channel === 'email' && operatorMailUrl(ctx.config, workspaceId) !== undefined;
  return {
    channel,
    provider: account || isOperated ? providerNames[channel] : 'sandbox',
    isConfigured: account !== undefined,
    fields: account ? fieldsOf(ctx, account) : {},
    callbackUrls: callbackUrls(ctx, workspaceId, channel),
    updatedAt: account?.updatedAt.toISOString(),
  };
}

function fieldsOf(ctx: Context, account: ProviderAccount): ProviderOut['fields'] {
  try {
    const values = Object.entries(openCredentials(ctx, account));
    return Object.fromEntries(
      values.map(([name, value]) => {
        const isLong = typeof value === 'string' && value.length >= revealingLength;
        return [name, isLong ? { endsWith: value.slice(-4) } : {}];
      }),
    );
  } catch (error) {
    // Sealed with another key: configured, and of no use until it is stored again.
    if (error instanceof UnreadableCredentials) return {};
    throw error;
  }
}

function callbackUrls(ctx: Context, workspaceId: ObjectId, channel: Channel): Record<string, string> {
  const { publicUrl } = ctx.config;
  if (!publicUrl || channel === 'email') return {};
  const base = `${publicUrl.replace(/\/$/, '')}/api/providers`;
  const id = workspaceId.toHexString();
  return channel === 'whatsapp'
    ? { callback: `${base}/whatsapp/${id}` }
    : { status: `${base}/twilio/${id}/status`, inbound: `${base}/twilio/${id}/inbound` };
}
