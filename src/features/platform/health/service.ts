import type { Context } from '../../../context.ts';
import { withinTime } from '../../../lib/time-limit.ts';

/** Whoever asks, asks every few seconds: an answer that takes longer than this is none. */
const checkMs = 1_000;

export interface Readiness {
  /** Whether requests can be served. They are while Redis is away, only with less shared between processes. */
  isReady: boolean;
  dependencies: { mongodb: { status: 'up' | 'down' }; redis: { status: 'up' | 'down' } };
}

export async function checkReadiness(ctx: Context): Promise<Readiness> {
  const [mongodb, redis] = await Promise.all([
    check(ctx, 'mongodb', () => ctx.db.serverTime()),
    check(ctx, 'redis', () => ctx.redis.ping()),
  ]);
  return { isReady: mongodb.status === 'up', dependencies: { mongodb, redis } };
}

/** What went wrong is for the log, the page is open to all; whoever uses the dependency warns of it. */
async function check(ctx: Context, dependency: string, ask: () => Promise<unknown>) {
  try {
    await withinTime(ask(), checkMs);
    return { status: 'up' as const };
  } catch (error) {
    ctx.log.debug({ err: error, dependency }, 'dependency does not answer');
    return { status: 'down' as const };
  }
}

/** All measurements as Prometheus text; what a dependency that is away would have to tell is left out. */
export async function collectMetrics(ctx: Context): Promise<string> {
  await Promise.all([measureQueues(ctx), measureParkedEvents(ctx)]);
  return ctx.metrics.registry.metrics();
}

async function measureQueues({ queues, metrics, log }: Context): Promise<void> {
  metrics.queueDepth.reset();
  try {
    const depths = await withinTime(queues.depths(), checkMs);
    for (const [queue, depth] of Object.entries(depths)) metrics.queueDepth.set({ queue }, depth);
  } catch (error) {
    log.debug({ err: error }, 'queue depths are unknown');
  }
}

async function measureParkedEvents({ relay, metrics, log }: Context): Promise<void> {
  try {
    metrics.parkedEvents.set(await withinTime(relay.countParked(), checkMs));
  } catch (error) {
    metrics.parkedEvents.remove();
    log.debug({ err: error }, 'the number of parked events is unknown');
  }
}
