import mongoose from 'mongoose';

/** The fields of the unique index that a write ran into, or undefined when the error is another one. */
export function duplicateKeyFields(error: unknown): string[] | undefined {
  const { code, keyPattern, err } = error as {
    code?: number;
    keyPattern?: Record<string, unknown>;
    err?: { keyPattern?: Record<string, unknown>; errmsg?: string };
  };
  if (code !== 11_000) return undefined;
  return Object.keys(keyPattern ?? err?.keyPattern ?? {});
}

/** Whether a write was refused because the document would exceed the server's 16 MiB. */
export const isDocumentTooLarge = (error: unknown): boolean =>
  documentTooLargeCodes.has((error as { code?: unknown }).code);

/** BSONObjectTooLarge, and the two that an update reports. */
const documentTooLargeCodes = new Set<unknown>([10_334, 17_419, 17_420]);

/** Whether the server gave a command up because it took longer than it may. */
export const isOutOfTime = (error: unknown): boolean =>
  (causeOf(error) as { code?: unknown } | undefined)?.code === maxTimeExpiredCode;

const maxTimeExpiredCode = 50;

/** Whether a connection broke under a command, so that another one may well serve it. To have waited in vain is no such case. */
export function isConnectionLost(error: unknown): boolean {
  const { MongoNetworkError, MongoNetworkTimeoutError } = mongoose.mongo;
  return error instanceof MongoNetworkError && !(error instanceof MongoNetworkTimeoutError);
}

/** Whether the error says that MongoDB can't be reached or has no time, rather than that it refused something. */
export function isMongoUnavailable(error: unknown): boolean {
  const {
    MongoNetworkError,
    MongoServerSelectionError,
    MongoNotConnectedError,
    MongoServerClosedError,
    MongoTopologyClosedError,
    MongoServerError,
  } = mongoose.mongo;
  const cause = causeOf(error);
  // A cleared pool and a pool that could not connect are both kinds of MongoNetworkError.
  if (cause instanceof MongoServerError) return unavailableCodes.has(Number(cause.code));
  const { name, code } = (cause ?? {}) as { name?: string; code?: unknown };
  return (
    cause instanceof MongoNetworkError ||
    cause instanceof MongoServerSelectionError ||
    cause instanceof MongoNotConnectedError ||
    cause instanceof MongoServerClosedError ||
    cause instanceof MongoTopologyClosedError ||
    name === waitQueueTimeoutName ||
    brokenSocketCodes.has(code)
  );
}

/** The driver does not export the class. */
const waitQueueTimeoutName = 'MongoWaitQueueTimeoutError';

/** A socket that breaks while a large command is being written shows as the system's own error. */
const brokenSocketCodes = new Set<unknown>(['EPIPE', 'ECONNRESET']);

/** The driver wraps whatever ends a bulk write, a lost connection too, in what looks like the server's own error. */
export function causeOf(error: unknown): unknown {
  if (!(error instanceof mongoose.mongo.MongoBulkWriteError)) return error;
  const { errorResponse } = error as { errorResponse: unknown };
  return errorResponse instanceof Error ? errorResponse : error;
}

/** MaxTimeMSExpired, ShutdownInProgress, NotWritablePrimary, InterruptedAtShutdown, InterruptedDueToReplStateChange, NotPrimaryNoSecondaryOk, PrimarySteppedDown. */
const unavailableCodes = new Set([maxTimeExpiredCode, 91, 10_107, 11_600, 11_602, 13_435, 189]);
