/** The part of a pino logger that the stand-ins use. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** A child process that is up and serving. */
export interface Running {
  pid: number;
  /** Resolves with the reason when the process is gone, whoever ended it. Never rejects. */
  exited: Promise<string>;
  /** Ends it cleanly, by force if that takes too long. Resolves when it is gone. */
  stop(): Promise<void>;
}
