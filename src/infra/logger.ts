import { type Logger as PinoLogger, pino } from 'pino';

export type Logger = PinoLogger;

/** Everything that could carry a credential or a message body, should it ever be handed to the logger. */
const redactedPaths = ['authorization', 'x-api-key', 'cookie', 'password', 'token', 'secret', 'body'].flatMap(
  (name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`],
);

/** JSON lines on standard output. */
export const createLogger = (level: string): Logger =>
  pino({ level, base: undefined, redact: { paths: redactedPaths, censor: '[redacted]' } });
