import type { Message } from '../model.ts';

/**
 * What stands between a message and the world. `send` is called once per claim and says in one of four ways how it went:
 * it returns, or throws one of the three errors below. The difference between the last two is what keeps a message from
 * being sent twice, so when a provider is in doubt it is uncertain, not unavailable.
 */
export interface MessageProvider {
  /** Whom the recipient sees as the sender. */
  readonly from: string;
  send(message: Message): Promise<SendResult>;
  /**
   * Ids of what the provider has taken that may be this message, whose answer was lost. Left out where the provider
   * offers no way to know.
   */
  find?(message: Message): Promise<string[]>;
}

export interface SendResult {
  providerId: string;
  /** Accepted, but not for every recipient. */
  remark?: string;
}

/** The provider said no and will go on saying no. */
export class ProviderRejected extends Error {
  readonly code: string | undefined;
  /** The recipient told the provider to be left alone. */
  readonly isOptOut: boolean;

  constructor(reason: string, options: { code?: string | undefined; isOptOut?: boolean } = {}) {
    super(reason);
    this.name = 'ProviderRejected';
    this.code = options.code;
    this.isOptOut = options.isOptOut ?? false;
  }
}

/** The message was certainly not taken, and may be later. */
export class ProviderUnavailable extends Error {
  readonly code: string | undefined;
  readonly retryAfterMs: number | undefined;
  /** Whether it is about this one recipient; else the whole lane has to pause. */
  readonly isAboutRecipient: boolean;

  constructor(
    reason: string,
    options: {
      code?: string | undefined;
      retryAfterMs?: number | undefined;
      isAboutRecipient?: boolean;
    } = {},
  ) {
    super(reason);
    this.name = 'ProviderUnavailable';
    this.code = options.code;
    this.retryAfterMs = options.retryAfterMs;
    this.isAboutRecipient = options.isAboutRecipient ?? false;
  }
}

/** The message may have been taken: the connection was lost or the answer made no sense. It must not be sent again. */
export class ProviderUncertain extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'ProviderUncertain';
  }
}
