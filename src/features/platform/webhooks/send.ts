import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Context } from '../../../context.ts';
import {
  assertAllowedUrl,
  createAgents,
  createResolve,
  type OutboundPolicy,
  resolveLocally,
} from '../../../infra/outbound.ts';

/** What became of one request. */
export interface SendResult {
  /** Absent when no answer came. */
  statusCode?: number;
  responseBody?: string;
  /** What the receiver asked for with Retry-After. */
  retryAfterMs?: number;
  /** Why no answer came. */
  error?: string;
}

export interface Sender {
  /** The rules for targets, for checking one before anything is sent. */
  readonly policy: OutboundPolicy;
  /** POSTs the body; never rejects. Follows no redirect, reads a bounded part of the answer, and ends in time. */
  post(url: string, headers: Record<string, string>, body: string): Promise<SendResult>;
}

/** What the deliveries log shows of an answer. */
const loggedBytes = 4_096;
/** A longer answer costs the receiver its connection; up to here it is read to the end, so that it can be used again. */
const readBytesMax = 65_536;
/** A kept connection may turn out to be closed by the other side; then the request is sent on another one. */
const connectionsTried = 3;

export function createSender(policy: OutboundPolicy, timeoutMs: number): Sender {
  const agents = createAgents(policy);
  const open = (url: URL, headers: Record<string, string>): ClientRequest =>
    url.protocol === 'https:'
      ? httpsRequest(url, { method: 'POST', headers, agent: agents.https })
      : httpRequest(url, { method: 'POST', headers, agent: agents.http });

  return {
    policy,
    async post(text, headers, body) {
      try {
        const url = new URL(text);
        assertAllowedUrl(url, policy);
        // One deadline for all tries: each of them could be dragged out to its end.
        const endsAt = Date.now() + timeoutMs;
        const isLate = () => new Error(`No answer within ${timeoutMs} ms`);
        for (let tried = 1; ; tried += 1) {
          const leftMs = endsAt - Date.now();
          const { result, isStaleConnection } = await exchange(open(url, headers), body, leftMs, isLate);
          if (!isStaleConnection || tried === connectionsTried) return result;
        }
      } catch (error) {
        return { error: reasonOf(error) };
      }
    },
  };
}

const senders = new WeakMap<Context, Sender>();

/** The process's sender: its connections are shared by all lanes. */
export function senderOf(ctx: Context): Sender {
  let sender = senders.get(ctx);
  if (!sender) {
    const { isPrivateNetworkAllowed, timeoutMs } = ctx.config.webhooks;
    const resolve = isPrivateNetworkAllowed ? resolveLocally : createResolve();
    sender = createSender({ isPrivateNetworkAllowed, resolve }, timeoutMs);
    senders.set(ctx, sender);
  }
  return sender;
}

const resetCodes = new Set<string | undefined>(['ECONNRESET', 'EPIPE']);

interface Exchange {
  result: SendResult;
  isStaleConnection: boolean;
}

/** The status decides: once it is there, an answer that breaks off or drips on is only cut short. */
function exchange(
  req: ClientRequest,
  body: string,
  timeoutMs: number,
  isLate: () => Error,
): Promise<Exchange> {
  return new Promise((resolve) => {
    let answer: IncomingMessage | undefined;
    const chunks: Buffer[] = [];
    const finish = (error?: unknown) => {
      clearTimeout(timer);
      const isReset = resetCodes.has((error as { code?: string } | undefined)?.code);
      resolve(
        answer
          ? { result: resultOf(answer, chunks), isStaleConnection: false }
          : { result: { error: reasonOf(error) }, isStaleConnection: req.reusedSocket && isReset },
      );
      // Whatever else the other side sends is not waited for.
      if (!answer?.complete) req.destroy();
    };
    const timer = setTimeout(() => finish(isLate()), timeoutMs);
    req.on('response', (res) => {
      answer = res;
      let size = 0;
      res.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size - chunk.length < loggedBytes) chunks.push(chunk);
        if (size > readBytesMax) finish();
      });
      res.on('error', () => finish());
      res.on('close', () => finish());
    });
    req.on('error', finish);
    req.on('close', () => finish(new Error('The connection was closed without an answer')));
    req.end(body);
  });
}

function resultOf(answer: IncomingMessage, chunks: Buffer[]): SendResult {
  const logged = Buffer.concat(chunks).subarray(0, loggedBytes);
  const retryAfterMs = parseRetryAfter(answer.headers['retry-after']);
  return {
    statusCode: answer.statusCode as number,
    // As a stream the decoder leaves out a character that the cut went through.
    responseBody: new TextDecoder().decode(logged, { stream: logged.length === loggedBytes }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** Seconds or an HTTP date, as milliseconds from now. */
function parseRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const waitMs = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return waitMs > 0 ? waitMs : undefined;
}

/** A line for the log that the subscriber reads. */
function reasonOf(error: unknown): string {
  const { message, code, errors } = error as { message?: string; code?: string; errors?: Error[] };
  // Several addresses that all failed come as one error without a message.
  return message || errors?.[0]?.message || code || 'The request failed';
}
