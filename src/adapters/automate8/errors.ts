import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../../context.ts';
import { AppError, type ErrorDetails } from '../../lib/errors.ts';
import { toAppError } from '../../plugins/errors.ts';

/** Native field names in messages of services, as this contract calls them. */
const fieldNames: Record<string, string> = {
  firstName: 'firstname',
  lastName: 'lastname',
  mobileNumber: 'phone_number',
  status: 'lead_status',
  source: 'lead_source',
  optInThrough: 'opt_in_through',
  followUpDate: 'follow_up_date',
  webhookName: 'webhook_name',
  expiresAt: 'expires_at',
  stageId: 'stage_id',
  pipelineId: 'pipeline_id',
  contactId: 'contact_id',
  companyId: 'company_id',
  assignedTo: 'assigned_to',
  expectedCloseDate: 'expected_close_date',
};

/** Renders errors as {success:false,error,code?,details?}. What is wrong with a request is 400: the contract has no 422. */
export const automate8ErrorHandler =
  (ctx: Context) =>
  (error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const known = toAppError(error);
    if (known.status >= 500) ctx.log.error({ traceId: request.id, err: known.cause ?? error }, known.message);
    const details = known.details && renamed(known.details);
    return reply
      .code(known.status === 422 ? 400 : known.status)
      .headers(known.headers ?? {})
      .type('application/json; charset=utf-8')
      .serializer(JSON.stringify)
      .send({
        success: false,
        error: known.message,
        // What the document shows as an example has no code.
        ...(known.extra ? {} : { code: known.code.toUpperCase() }),
        ...(details ? { details } : {}),
        ...known.extra,
      });
  };

const renamed = (details: ErrorDetails): ErrorDetails =>
  Object.fromEntries(
    Object.entries(details).map(([path, messages]) => {
      const [root = path, ...deeper] = path.split('.');
      return [[fieldNames[root] ?? root, ...deeper].join('.'), messages];
    }),
  );

/** Says a conflict with another record in the document's words, given that record; any other error as it is. */
export const unlessDuplicate =
  (say: (duplicate: Record<string, unknown>) => AppError) =>
  (error: unknown): never => {
    const isDuplicate = error instanceof AppError && error.code === 'conflict' && error.extra;
    throw isDuplicate ? say((error.extra?.duplicate ?? {}) as Record<string, unknown>) : error;
  };

/** 400 in the words of the document. */
export const badRequest = (message: string): AppError => new AppError('bad_request', { message, extra: {} });

/** 409 in the words of the document, with what it shows beside them. */
export const conflict = (message: string, extra: Record<string, unknown> = {}): AppError =>
  new AppError('conflict', { message, extra });
