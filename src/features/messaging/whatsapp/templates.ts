import type { Context } from '../../../context.ts';
import { withoutUndefined } from '../../../lib/clean.ts';
import { AppError } from '../../../lib/errors.ts';
import type { ObjectId } from '../../../lib/ids.ts';
import { findCredentials, UnreadableCredentials } from '../message-providers/service.ts';
import { fetchTemplates, type MetaTemplate } from '../messages/providers/meta-whatsapp.ts';
import { ProviderRejected, ProviderUnavailable, ProviderUncertain } from '../messages/providers/provider.ts';
import { type WhatsappTemplate, whatsappTemplates } from './model.ts';

/** Meta lets an account have 6,000; the document's list has no pages. */
const templatesMax = 6_000;
const retryAfterSeconds = 30;

/** What the sandbox has: the template that Meta gives every new account. */
const sandboxTemplates: MetaTemplate[] = [
  {
    name: 'hello_world',
    language: 'en_US',
    category: 'UTILITY',
    status: 'APPROVED',
    components: [
      { type: 'HEADER', format: 'TEXT', text: 'Hello World' },
      {
        type: 'BODY',
        text: 'Welcome and congratulations!! This message demonstrates your ability to send a message.',
      },
      { type: 'FOOTER', text: 'WhatsApp Business Platform sample message' },
    ],
  },
];

/** The templates as of the last sync, by name. */
export const listTemplates = (ctx: Context, workspaceId: ObjectId): Promise<WhatsappTemplate[]> =>
  whatsappTemplates(ctx.db)
    .find(workspaceId, {}, { sort: { name: 1, language: 1 }, limit: templatesMax, hint: 'template' })
    .toArray();

/**
 * Brings the stored templates in line with Meta's. A sync that dies half-way has stored some of them; the next one
 * completes it. @throws AppError provider_rejected, unavailable
 */
export async function syncTemplates(ctx: Context, workspaceId: ObjectId): Promise<WhatsappTemplate[]> {
  const startedAt = ctx.clock.now();
  const collection = whatsappTemplates(ctx.db);
  for (const { id, name, language, ...rest } of await fetchAll(ctx, workspaceId)) {
    const set = withoutUndefined({ ...rest, providerId: id });
    // Another sync may run beside this one: the later stamp stays.
    const update = { $set: set, $max: { syncedAt: startedAt } };
    await collection.upsert(workspaceId, { name, language }, update);
  }
  // What Meta no longer has.
  await collection.deleteMany(workspaceId, { syncedAt: { $lt: startedAt } });
  return listTemplates(ctx, workspaceId);
}

async function fetchAll(ctx: Context, workspaceId: ObjectId): Promise<MetaTemplate[]> {
  try {
    const credentials = await findCredentials(ctx, workspaceId, 'whatsapp');
    return credentials ? await fetchTemplates(ctx.config.whatsappApiUrl, credentials) : sandboxTemplates;
  } catch (error) {
    if (error instanceof ProviderRejected || error instanceof UnreadableCredentials) {
      throw new AppError('provider_rejected', { message: error.message });
    }
    if (error instanceof ProviderUnavailable || error instanceof ProviderUncertain) {
      const headers = { 'Retry-After': String(retryAfterSeconds) };
      throw new AppError('unavailable', { message: error.message, headers, cause: error });
    }
    throw error;
  }
}

/** The text that the recipient of a template sees, as far as the template is known here; else its name. */
export async function renderTemplate(
  ctx: Context,
  workspaceId: ObjectId,
  { name, language }: { name: string; language: string },
  values: string[],
): Promise<string> {
  const template = await whatsappTemplates(ctx.db).findOne(
    workspaceId,
    { name, language },
    { hint: 'template' },
  );
  const body = template?.components.find((component) => String(component.type).toUpperCase() === 'BODY');
  if (typeof body?.text !== 'string') return name;
  return body.text.replace(
    /\{\{(\d+)\}\}/g,
    (placeholder, number: string) => values[Number(number) - 1] ?? placeholder,
  );
}
