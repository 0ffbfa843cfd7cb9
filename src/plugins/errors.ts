import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { Context } from '../context.ts';
import { isMongoUnavailable } from '../infra/mongo.ts';
import { AppError, type ErrorCode, type ErrorDetails } from '../lib/errors.ts';

/** How long a client should leave a server alone that has lost its database. */
const retryAfterSeconds = 2;

/** Renders every error of every depth as {success:false,error,…}. What we did not foresee is a 500 and logs its cause. */
export const errorsPlugin = fp<{ ctx: Context }>(
  async (app, { ctx }) => {
    app.setErrorHandler((error: FastifyError, request, reply) => {
      const expected = toAppError(error);
      if (expected.status >= 500) {
        ctx.log.error({ traceId: request.id, err: expected.cause ?? error }, expected.message);
      }
      return sendError(reply, expected);
    });
    app.setNotFoundHandler((request, reply) => answerUnknownRoute(request, reply));
  },
  { name: 'errors' },
);

export function sendError(reply: FastifyReply, error: AppError): FastifyReply {
  return reply
    .code(error.status)
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

function answerUnknownRoute(_request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendError(reply, new AppError('not_found', { message: 'No such route' }));
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
  if (hasZodFastifySchemaValidationErrors(error))
    return new AppError('invalid', { details: detailsOf(error) });
  if (isMongoUnavailable(error)) {
    return new AppError('unavailable', {
      cause: error,
      headers: { 'Retry-After': String(retryAfterSeconds) },
    });
  }
  const code = frameworkErrors[error.code];
  if (code) return new AppError(code);
  if (error.statusCode && error.statusCode >= 400 && error.statusCode < 500)
    return new AppError('bad_request');
  return new AppError('internal', { cause: error });
}

type ZodErrors = { validation: { instancePath: string; message?: string }[]; validationContext?: string };

function detailsOf(error: unknown): ErrorDetails {
  const { validation, validationContext } = error as ZodErrors;
  // A map, because a client names the paths: `constructor` is one like any other.
  const details = new Map<string, string[]>();
  for (const { instancePath, message } of validation) {
    const path = instancePath.split('/').filter(Boolean).join('.') || validationContext || 'body';
    details.set(path, [...(details.get(path) ?? []), message ?? 'Invalid']);
  }
  return Object.fromEntries(details);
}
