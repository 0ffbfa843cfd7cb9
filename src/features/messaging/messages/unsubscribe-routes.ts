import { z } from 'zod';
import type { Context } from '../../../context.ts';
import type { Routes } from '../../../http.ts';
import { invalid, notFound } from '../../../lib/errors.ts';
import { findWorkspace } from '../../../tenancy/workspaces/service.ts';
import { type Message, messages } from './model.ts';
import { optIn, optOut } from './opt-outs.ts';
import { readUnsubscribeToken } from './urls.ts';

const params = z.object({ token: z.string() });
const page = z.string().meta({ description: 'A page' });
const tags = ['Messages'];
const bodyBytesMax = 4_096;

/**
 * The link in every email by which its recipient opts out. Looking at it changes nothing, because mail scanners look at
 * every link; the page's button, and the one-click request of mail programs (RFC 8058), do. All recipients of an email
 * with copies see the same link, so it can't tell who follows it: the page then asks, and a request that does not say
 * which recipient it speaks for opts nobody out.
 */
export const unsubscribeRoutes: Routes = async (app, { ctx }) => {
  // Mail programs send a form of one or the other encoding that says nothing we do not know.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, _body, done) => done(null, undefined));

  app.get(
    '/u/:token',
    {
      config: { access: 'public', limitByAddress: true },
      schema: {
        operationId: 'showUnsubscribe',
        summary: 'The page where the recipient of an email opts out',
        tags,
        params,
        response: { 200: page },
      },
    },
    async (request, reply) => {
      const { message, sender } = await linkOf(ctx, request.params.token);
      const recipients = recipientsOf(message);
      const buttons =
        recipients.length === 1
          ? button('Unsubscribe', '?')
          : recipients
              .map((address, index) => button(`Unsubscribe ${address}`, `?recipient=${index}`))
              .join('');
      return sendPage(reply, `Do you want no more emails from ${sender}?`, buttons);
    },
  );

  app.post(
    '/u/:token',
    {
      bodyLimit: bodyBytesMax,
      config: { access: 'public', limitByAddress: true },
      schema: {
        operationId: 'unsubscribe',
        summary: 'Opt out of emails, or in again',
        tags,
        params,
        querystring: z.object({
          recipient: z
            .string()
            .regex(/^\d{1,2}$/)
            .optional()
            .describe('Which of the recipients of an email with copies: 0 is its addressee'),
          again: z.string().optional().describe('Present: take the opt-out back'),
        }),
        response: { 200: page },
      },
    },
    async (request, reply) => {
      const { message, sender } = await linkOf(ctx, request.params.token);
      const { recipient, again } = request.query;
      const address = requireRecipient(message, recipient);
      const who = message.cc ? address : 'You';
      if (again !== undefined) {
        await optIn(ctx, message.workspaceId, message.channel, address, 'link');
        return sendPage(reply, `${who} will get emails from ${sender} again.`, '');
      }
      await optOut(ctx, message.workspaceId, message.channel, address, 'link');
      return sendPage(
        reply,
        `${who} will get no more emails from ${sender}.`,
        button('I want them again', `?recipient=${recipient ?? 0}&again=1`),
      );
    },
  );
};

const recipientsOf = ({ to, cc = [] }: Message): string[] => [to, ...cc];

/** Whom the request speaks for. @throws AppError invalid */
function requireRecipient(message: Message, index: string | undefined): string {
  const recipients = recipientsOf(message);
  const address = recipients[Number(index ?? (recipients.length === 1 ? 0 : -1))];
  if (address === undefined) throw invalid('recipient', 'Must be the number of one of the recipients');
  return address;
}

/** The token is the credential: it leads to its email in whatever workspace. @throws AppError not_found */
async function linkOf(ctx: Context, token: string): Promise<{ message: Message; sender: string }> {
  const id = readUnsubscribeToken(ctx, token);
  const message = id && (await messages(ctx.db).acrossTenants.findOne({ _id: id }));
  const workspace = message && (await findWorkspace(ctx, message.workspaceId));
  if (!workspace) throw notFound('Link');
  return { message, sender: workspace.name };
}

const button = (label: string, action: string): string =>
  `<form method="post" action="${escapeHtml(action)}"><button>${escapeHtml(label)}</button></form>`;

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => entities[character] ?? '');

type PageReply = { headers(values: Record<string, string>): PageReply; type(type: string): PageReply };

function sendPage<R extends PageReply>(reply: R, text: string, form: string): string {
  reply.type('text/html; charset=utf-8').headers({
    'Content-Security-Policy': "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
  });
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Unsubscribe</title></head><body><p>${escapeHtml(text)}</p>${form}</body></html>`;
}
