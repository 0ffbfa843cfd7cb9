import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** What may happen, and how often relative to the others. */
const blows = {
  'api killed': 8,
  'api restarted': 6,
  'worker killed': 20,
  'worker restarted': 6,
  'redis killed': 12,
  'redis killed, its data lost': 12,
  'redis frozen': 8,
  'mongodb killed': 12,
  'mongodb frozen': 8,
};

const pauseMs = [1_000, 6_000];
const freezeMs = [1_000, 7_000];
/** A server that is asked to stop gets this long; it must need less. */
const gracefulMs = 20_000;

const seconds = (ms) => `${(ms / 1_000).toFixed(1)} s`;

/**
 * Strikes at random intervals until stopped, also at one part while another is away. Notes when which part was away.
 * @param {import('./servers.mjs').Servers} servers
 */
export function startHavoc(servers, random, violate, log) {
  const startedAt = performance.now();
  const { api, worker, mongo, redis } = servers.parts;
  const counts = Object.fromEntries(Object.keys(blows).map((blow) => [blow, 0]));
  const outages = [];
  const frozen = new Set();
  const under = new Set();
  const stopping = new AbortController();

  /** Runs one blow; the part counts as away from its beginning until `recover` is done. */
  const strike = async (name, recover) => {
    const outage = { part: name, from: performance.now(), to: Number.POSITIVE_INFINITY };
    outages.push(outage);
    under.add(name);
    await recover();
    outage.to = performance.now();
    under.delete(name);
  };
  const kill = (part) => {
    const pid = part.pid();
    part.markDown?.();
    process.kill(pid, 'SIGKILL');
    return part.untilUp(pid);
  };
  const freeze = async (part) => {
    const pid = part.pid();
    process.kill(pid, 'SIGSTOP');
    frozen.add(pid);
    await sleep(random.between(...freezeMs), undefined, { signal: stopping.signal }).catch(() => undefined);
    frozen.delete(pid);
    try {
      process.kill(pid, 'SIGCONT');
    } catch {
      // Killed meanwhile.
    }
  };
  const restart = async (name, part) => {
    const pid = part.pid();
    part.markDown();
    process.kill(pid, 'SIGTERM');
    const deadline = Date.now() + gracefulMs;
    while (!part.exitOf(pid) && Date.now() < deadline) await sleep(50);
    const exit = part.exitOf(pid);
    // What is asked to stop while it still starts simply ends.
    const isClean = exit?.code === 0 || exit?.signal === 'SIGTERM';
    if (!isClean) violate(`${name} did not stop cleanly`, JSON.stringify(exit ?? 'still running'));
    if (!exit) process.kill(pid, 'SIGKILL');
    await part.untilUp(pid);
  };
  const loseData = async () => {
    const client = new Redis(servers.redisUrl, { maxRetriesPerRequest: 0, commandTimeout: 1_000 });
    client.on('error', () => undefined);
    await client.flushall().catch(() => undefined);
    client.disconnect();
  };

  const actions = {
    'api killed': () => strike('api', () => kill(api)),
    'api restarted': () => strike('api', () => restart('api', api)),
    'worker killed': () => strike('worker', () => kill(worker)),
    'worker restarted': () => strike('worker', () => restart('worker', worker)),
    'redis killed': () => strike('redis', () => kill(redis)),
    'redis killed, its data lost': () =>
      strike('redis', async () => {
        await loseData();
        await kill(redis);
      }),
    'redis frozen': () => strike('redis', () => freeze(redis)),
    'mongodb killed': () => strike('mongo', () => kill(mongo)),
    'mongodb frozen': () => strike('mongo', () => freeze(mongo)),
  };
  const targetOf = (blow) => blow.split(' ')[0].replace('mongodb', 'mongo');

  const running = new Set();
  const loop = async () => {
    while (!stopping.signal.aborted) {
      await sleep(random.between(...pauseMs), undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) break;
      const blow = random.weighted(blows);
      const target = targetOf(blow);
      // What is down already, or has not come up again, is left alone.
      if (under.has(target) || !servers.parts[target].isUp()) continue;
      counts[blow] += 1;
      const from = performance.now();
      const action = actions[blow]().finally(() => {
        running.delete(action);
        log(`${seconds(from - startedAt)} ${blow}, for ${seconds(performance.now() - from)}`);
      });
      running.add(action);
    }
    await Promise.all(running);
  };
  const ended = loop();
  return {
    counts,
    outages,
    /** Strikes no more; resolves when everything is up again. */
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}
