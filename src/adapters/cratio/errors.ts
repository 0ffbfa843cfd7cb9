import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../../context.ts';
import type { AppError, ErrorCode } from '../../lib/errors.ts';
import { toAppError } from '../../plugins/errors.ts';

/** Native field names in messages of services, as this contract calls them. */
const fieldNames: Record<string, string> = {
  mobileNumber: 'phone',
  assignedTo: 'assigned_to',
  dealValue: 'deal_value',
};

/** This contract knows no 422: whatever is wrong with a request is 400. */
const codes: Partial<Record<ErrorCode, [status: number, code: string]>> = {
  unauthorized: [401, 'unauthorized'],
  forbidden: [403, 'forbidden'],
  insufficient_scope: [403, 'forbidden'],
  module_disabled: [403, 'forbidden'],
  not_found: [404, 'not_found'],
  method_not_allowed: [405, 'method_not_allowed'],
  conflict: [409, 'conflict'],
  payload_too_large: [413, 'payload_too_large'],
  unsupported_media_type: [415, 'unsupported_media_type'],
  rate_limited: [429, 'rate_limited'],
  internal: [500, 'internal_error'],
  unavailable: [503, 'unavailable'],
};

/** Renders errors as {error:{code,message,field}}. */
export const cratioErrorHandler =
  (ctx: Context) =>
  (error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const known = toAppError(error);
    if (known.status >= 500) ctx.log.error({ traceId: request.id, err: known.cause ?? error }, known.message);
    const [status, code] = codes[known.code] ?? [400, 'invalid_request'];
    return reply
      .code(status)
      .headers(known.headers ?? {})
      .type('application/json; charset=utf-8')
      .serializer(JSON.stringify)
      .send({ error: { code, ...messageOf(known) } });
  };

/** The first field that is wrong, as the contract has room for one. */
function messageOf(error: AppError): { message: string; field?: string } {
  const [first] = Object.entries(error.details ?? {});
  if (!first) return { message: error.message };
  const [path, [message = error.message]] = first;
  const [root = path] = path.split('.');
  return { message, field: fieldNames[root] ?? root };
}
