import { z } from 'zod';
import type { Context } from '../../../context.ts';
import type { Routes } from '../../../http.ts';
import { notFound } from '../../../lib/errors.ts';
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
 * every link; the page's button, and the one-click request of mail programs (RFC 8058), do.
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
      const { sender } = await recipientOf(ctx, request.params.token);
      return sendPage(reply, `Do you want no more emails from ${sender}?`, button('Unsubscribe', '?'));
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
        querystring: z.object({ again: z.string().optional().describe('Present: take the opt-out back') }),
        response: { 200: page },
      },
    },
    async (request, reply) => {
      const { message, sender } = await recipientOf(ctx, request.params.token);
      const { workspaceId, channel, to } = message;
      if (request.query.again !== undefined) {
        await optIn(ctx, workspaceId, channel, to);
        return sendPage(reply, `You will get emails from ${sender} again.`, '');
      }
      await optOut(ctx, workspaceId, channel, to, 'link');
      return sendPage(
        reply,
        `You will get no more emails from ${sender}.`,
        button('I want them again', '?again=1'),
      );
    },
  );
};

/** The token is the credential: it leads to its email in whatever workspace. @throws AppError not_found */
async function recipientOf(ctx: Context, token: string): Promise<{ message: Message; sender: string }> {
  const id = readUnsubscribeToken(ctx, token);
  const message = id && (await messages(ctx.db).acrossTenants.findOne({ _id: id }));
  const workspace = message && (await findWorkspace(ctx, message.workspaceId));
  if (!workspace) throw notFound('Link');
  return { message, sender: workspace.name };
}

const button = (label: string, action: string): string =>
  `<form method="post" action="${action}"><button>${label}</button></form>`;

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
