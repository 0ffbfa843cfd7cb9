import { LRUCache } from 'lru-cache';
import { AppError } from './errors.ts';

/**
 * What heavy work a tenant may have done while others are there. Work is priced in milliseconds of a process, by what
 * tells beforehand or afterwards what it costs: bytes, rows, requests. A tenant that has used up its share waits with
 * whatever it asks for next, and is refused when that would take too long; work that is light pays nothing. It holds
 * back nobody who is alone: unless somebody else was there a moment ago, all is free and nothing is counted.
 */
export interface FairShare {
  /** The tenant asks for something, and by that is there for the others. */
  touch(tenant: string): void;
  /**
   * Waits for the tenant's turn and pays; those who wait go in the order in which they came.
   * @param signal ends the wait
   * @throws AppError rate_limited, unpaid, after `waitMaxMs`, and at once where too many wait
   */
  enter(tenant: string, priceMs: number, signal?: AbortSignal): Promise<void>;
  /** For what shows its price afterwards; less than nothing gives back. */
  charge(tenant: string, priceMs: number): void;
  /** Whether the tenant has to let the others go first. */
  isUsedUp(tenant: string): boolean;
}

export interface FairShareOptions {
  /** The part of a process's time that is one tenant's. */
  share: number;
  /** So much work may be ahead of the share: what comes now and then waits for nothing. */
  burstMs: number;
  /** Left out where whoever waits can wait for ever. */
  waitMaxMs?: number;
}

/** What handling so many bytes costs: to receive and parse them, or to read, write out and send them. */
export const priceOfBytes = (bytes: number): number => bytes / bytesPerMs;
const bytesPerMs = 50 * 1_024;

/** Somebody who was there so long ago is gone; people who look at what they asked for are not. */
const absentMs = 5_000;
/** How often those who wait look whether they are alone by now. */
const lookMs = 100;
/** Of those who don't wait for ever, and so hold something meanwhile. */
const lineMax = 100;
const tenantsMax = 10_000;

interface Waiting {
  priceMs: number;
  /** When it has waited for long enough. */
  leaveAt: number;
  signal: AbortSignal | undefined;
  resolve(): void;
  reject(error: Error): void;
}

export function createFairShare({ share, burstMs, waitMaxMs }: FairShareOptions): FairShare {
  /** Until when the time that passes pays for each tenant's work. */
  const paidUntil = new LRUCache<string, number>({ max: tenantsMax });
  /** Those who wait, by tenant. */
  const lines = new Map<string, Waiting[]>();
  /** Who was there last, and when the last who was somebody else. */
  let latest = { tenant: '', at: Number.NEGATIVE_INFINITY };
  let otherAt = Number.NEGATIVE_INFINITY;

  const touch = (tenant: string) => {
    const at = performance.now();
    if (tenant !== latest.tenant) {
      otherAt = latest.at;
      latest = { tenant, at };
    } else latest.at = at;
  };
  const isAlone = (tenant: string) =>
    performance.now() - (tenant === latest.tenant ? otherAt : latest.at) > absentMs;
  /** Until the tenant's next turn. */
  const waitMs = (tenant: string) => {
    const until = paidUntil.get(tenant);
    if (until === undefined || isAlone(tenant)) return 0;
    return Math.max(0, until - burstMs / share - performance.now());
  };
  const charge = (tenant: string, priceMs: number) => {
    if (priceMs === 0 || isAlone(tenant)) return;
    const now = performance.now();
    paidUntil.set(tenant, Math.max(now, paidUntil.get(tenant) ?? now) + priceMs / share);
  };

  const serve = async (tenant: string, line: Waiting[]) => {
    for (let [first] = line; first; [first] = line) {
      // Who waits is there, too.
      touch(tenant);
      const leftMs = waitMs(tenant);
      const patienceMs = first.signal?.aborted ? 0 : first.leaveAt - performance.now();
      if (leftMs > 0 && patienceMs > 0) {
        await sleep(Math.min(leftMs, patienceMs, lookMs));
        continue;
      }
      line.shift();
      if (leftMs > 0 && !first.signal?.aborted) first.reject(tooMuch(leftMs));
      else {
        charge(tenant, first.priceMs);
        first.resolve();
      }
    }
    lines.delete(tenant);
  };

  return {
    touch,
    async enter(tenant, priceMs, signal) {
      const leftMs = waitMs(tenant);
      const line = lines.get(tenant) ?? [];
      if (leftMs === 0 && line.length === 0) return charge(tenant, priceMs);
      if (waitMaxMs !== undefined && line.length >= lineMax) throw tooMuch(leftMs);
      const leaveAt = performance.now() + (waitMaxMs ?? Number.POSITIVE_INFINITY);
      return new Promise((resolve, reject) => {
        line.push({ priceMs, leaveAt, signal, resolve, reject });
        if (line.length > 1) return;
        lines.set(tenant, line);
        void serve(tenant, line);
      });
    },
    charge,
    isUsedUp: (tenant) => waitMs(tenant) > 0,
  };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const tooMuch = (waitMs: number) =>
  new AppError('rate_limited', {
    message: 'The workspace has used up its share of the server for heavy requests',
    headers: { 'Retry-After': String(Math.ceil(waitMs / 1_000)) },
  });
