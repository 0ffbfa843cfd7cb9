/**
 * The one catalogue of errors. A code names what went wrong for a program, its status is what HTTP says,
 * and its message is the default sentence for a person. Services throw; plugins/errors renders.
 */
export const errorCatalogue = {
  bad_request: [400, 'Bad request'],
  malformed_json: [400, 'The request body is not valid JSON'],
  provider_rejected: [400, 'The provider rejected the message'],
  unauthorized: [401, 'Invalid or missing credentials'],
  forbidden: [403, 'Access denied'],
  insufficient_scope: [403, 'The credential lacks the required scope'],
  module_disabled: [403, 'This module is disabled for the workspace'],
  not_found: [404, 'Not found'],
  method_not_allowed: [405, 'Method not allowed'],
  conflict: [409, 'Conflict'],
  precondition_failed: [412, 'The record has changed since the version named by If-Match'],
  payload_too_large: [413, 'The request body is too large'],
  unsupported_media_type: [415, 'The request body must be application/json'],
  invalid: [422, 'Validation failed'],
  rate_limited: [429, 'Rate limit exceeded'],
  internal: [500, 'An unexpected error occurred'],
  unavailable: [503, 'The service is temporarily unavailable'],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type ErrorCode = keyof typeof errorCatalogue;

/** Field path → what is wrong with it. */
export type ErrorDetails = Record<string, string[]>;

/** An answer that says what is wrong is no larger than a person can read, whatever the question was. */
export const issuesMax = 20;
const pathLengthMax = 200;
const messageLengthMax = 1_000;

export interface AppErrorOptions {
  message?: string;
  /** Body field `details` of a 422. */
  details?: ErrorDetails;
  /** Further public body fields, such as `duplicate` of a 409. */
  extra?: Record<string, unknown>;
  headers?: Record<string, string>;
  /** For the log only; never leaves the server. */
  cause?: unknown;
}

/** An expected outcome that ends a request: its message is public, its cause is for the log. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly details: ErrorDetails | undefined;
  readonly extra: Record<string, unknown> | undefined;
  readonly headers: Record<string, string> | undefined;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    const [status, message] = errorCatalogue[code];
    super(cut(options.message ?? message, messageLengthMax), { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.status = status;
    this.details = options.details && bounded(options.details);
    this.extra = options.extra;
    this.headers = options.headers;
  }
}

/** At most that much of a text, and a mark where the rest was. */
export const cut = (text: string, lengthMax: number): string =>
  text.length > lengthMax ? `${text.slice(0, lengthMax)}…` : text;

function bounded(details: ErrorDetails): ErrorDetails {
  const kept: [path: string, messages: string[]][] = [];
  let left = issuesMax;
  for (const [path, messages] of Object.entries(details)) {
    if (left <= 0) break;
    const told = messages.slice(0, left);
    left -= told.length;
    kept.push([cut(path, pathLengthMax), told.map((message) => cut(message, messageLengthMax))]);
  }
  return Object.fromEntries(kept);
}

/** 404 that names what was looked for: `notFound('Lead')`. */
export const notFound = (what: string): AppError =>
  new AppError('not_found', { message: `${what} not found` });

/** 422 for one field. */
export const invalid = (field: string, message: string): AppError =>
  new AppError('invalid', { details: { [field]: [message] } });

/** 409 with the record that is in the way, as the document's ConflictResponse has it. */
export const duplicate = (message: string, existing?: Record<string, unknown>): AppError =>
  new AppError('conflict', { message, extra: existing ? { duplicate: existing } : undefined });
