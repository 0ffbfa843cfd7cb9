import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Context } from '../context.ts';
import { isDocumentTooLarge, isMongoUnavailable, isOutOfTime } from '../infra/mongo-errors.ts';
import { AppError, type ErrorCode } from '../lib/errors.ts';
import { contractAt, isRefusedDelete, notAllowed } from './methods.ts';
import { newTraceId, traceHeaders } from './trace.ts';

/** How long a client should leave a server alone that has lost its database. */
const retryAfterSeconds = 2;

/** Renders every error of every depth as {success:false,error,…}. What we did not foresee is a 500 and logs its cause. */
export const errorsPlugin = fp<{ ctx: Context }>(
  async (app, { ctx }) => {
    app.setErrorHandler((error: FastifyError, request, reply) => {
      const render = request.is404 ? rendererAt(ctx, request) : undefined;
      if (render) return render(error, request, reply);
      const expected = toAppError(error);
      if (expected.status >= 500) {
        // An outage is no fault of ours, and every request of its time says so.
        const level = expected.code === 'unavailable' ? 'warn' : 'error';
        ctx.log[level]({ traceId: request.id, err: expected.cause ?? error }, expected.message);
      }
      return sendError(reply, expected);
    });
  },
  { name: 'errors' },
);

export function sendError(reply: FastifyReply, error: AppError): FastifyReply {
  // A request that the router refused has no route.
  const { invalidStatus } = reply.request.routeOptions?.config ?? {};
  return reply
    .code(error.code === 'invalid' ? (invalidStatus ?? error.status) : error.status)
    .headers(error.headers ?? {})
    .type('application/json; charset=utf-8')
    .serializer(JSON.stringify)
    .send({
      success: false,
      error: error.message,
      ...(error.details ? { details: error.details } : {}),
      ...error.extra,
    });
}

/** What a foreign contract has for a request without a route, if the path is one of its. */
const rendererAt = (ctx: Context, { server, url }: FastifyRequest) =>
  contractAt(server.routeTable, url)?.errorHandler?.(ctx);

/** Errors of the router, before any hook has run: a path that can't be percent-decoded. */
export const answerFrameworkError =
  (ctx: Context) =>
  (error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    reply.headers(traceHeaders(request.id));
    const render = rendererAt(ctx, request);
    if (render) return render(error, request, reply);
    return sendError(reply, isRefusedDelete(request) ? notAllowed(request, []) : toAppError(error));
  };

/** What the HTTP parser refuses never becomes a request, so the answer is written as it goes over the wire. */
const parserErrors: Record<string, readonly [status: number, message: string]> = {
  HPE_HEADER_OVERFLOW: [431, 'The request headers are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to arrive'],
};

/** A client has this long to read the answer: closing while it still sends would take the answer away. */
const lingerMs = 1_000;

/** Answers a request that is no valid HTTP, and hangs up. */
export function answerParserError(error: Error & { code?: string }, socket: Socket): void {
  // Never into the middle of an answer that is under way to an earlier request.
  const { _httpMessage: underWay } = socket as { _httpMessage?: ServerResponse };
  if (error.code === 'ECONNRESET' || !socket.writable || underWay?.headersSent) {
    socket.destroy();
    return;
  }
  const [status, message] = parserErrors[error.code ?? ''] ?? [400, 'The request is not valid HTTP'];
  const body = JSON.stringify({ success: false, error: message });
  const headers = {
    ...traceHeaders(newTraceId()),
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
  // Not a time-out of the socket, which whatever goes on dripping in would put off for ever.
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(timer));
}

/** Fastify's own errors by code. */
const frameworkErrors: Record<string, ErrorCode> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed_json',
};

export function toAppError(error: FastifyError): AppError {
  if (error instanceof AppError) return error;
  // Anything can be thrown.
  if (!(error instanceof Error)) return new AppError('internal', { cause: error });
  if (isMongoUnavailable(error)) {
    return new AppError('unavailable', {
      ...(isOutOfTime(error) ? { message: 'This took the database too long; ask for less, or later' } : {}),
      cause: error,
      headers: { 'Retry-After': String(retryAfterSeconds) },
    });
  }
  if (isDocumentTooLarge(error)) {
    return new AppError('payload_too_large', { message: 'The record would become too large', cause: error });
  }
  const code = frameworkErrors[error.code];
  if (code) return new AppError(code);
  if (error.statusCode && error.statusCode >= 400 && error.statusCode < 500)
    return new AppError('bad_request');
  return new AppError('internal', { cause: error });
}
