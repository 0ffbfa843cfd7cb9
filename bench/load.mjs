import autocannon from 'autocannon';
import { cpuSeconds, cpuSince, residentMegabytes } from './processes.mjs';

/**
 * Sends requests to one side for some seconds and counts what they cost it.
 * @param side a side of the environment
 * @param {{ connections: number, seconds: number, requests: object[], settle?: (sent: number) => Promise<void> }} slot
 * `settle` waits until everything that the requests set off is done; what that costs belongs to them.
 */
export async function measureSlot(side, { connections, seconds, requests, settle }) {
  const startedAt = performance.now();
  const cpuBefore = cpuSeconds(side.pids());
  const result = await autocannon({
    url: side.origin,
    connections,
    duration: seconds,
    // The first request is replaced by setupClient; it is here because the default is GET /.
    requests: requests.slice(0, 1),
    setupClient: spread(requests, connections),
  });
  const answered = result['1xx'] + result['2xx'] + result['3xx'] + result['4xx'] + result['5xx'];
  const notModified = result.statusCodeStats?.['304']?.count ?? 0;
  const succeeded = result['2xx'] + notModified;
  let elapsedSeconds = result.duration;
  if (settle) {
    await settle(succeeded);
    elapsedSeconds = (performance.now() - startedAt) / 1_000;
  }
  return {
    requestsPerSecond: succeeded / elapsedSeconds,
    p50: result.latency.p50,
    p99: result.latency.p99,
    ...cpuSince(cpuBefore, side.pids(), succeeded),
    errors: answered - succeeded + result.errors + result.timeouts,
    megabytes: residentMegabytes(side.pids()),
  };
}

/** Gives every connection the requests from another place on, lest all ask for the same record at the same time. */
function spread(requests, connections) {
  let clients = 0;
  return (client) => {
    const from = Math.floor((clients++ * requests.length) / connections) % requests.length;
    client.setRequests(
      [...requests.slice(from), ...requests.slice(0, from)].map((request) => ({ ...request })),
    );
  };
}
