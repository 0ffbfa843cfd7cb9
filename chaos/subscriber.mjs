import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { listen } from './listen.mjs';

/** How an endpoint that has bad days answers. What it did before it reset the connection counts as not done. */
const badDays = { accept: 82, fail: 6, busy: 2, reset: 4, slow: 4, hang: 2 };
const slowMs = 700;
/** Longer than the server waits. */
const hangMs = 4_000;

/** @typedef {Awaited<ReturnType<typeof startSubscriber>>} Subscriber */

/**
 * Two endpoints: `steady`, which takes everything, and `moody`, which does not. Both remember what they took, by
 * webhook-id, and check each signature with the library that integrators use.
 */
export async function startSubscriber(random, violate) {
  const endpoints = { steady: newEndpoint({ accept: 1 }), moody: newEndpoint(badDays) };

  const server = await listen(async (request, response, text) => {
    const endpoint = endpoints[request.url.slice(1)];
    endpoint.requests += 1;
    const event = verify(endpoint, request, text, violate);
    const behaviour = random.weighted(endpoint.behaviours);
    if (behaviour === 'reset') return request.socket.destroy();
    if (behaviour === 'hang') await sleep(hangMs);
    if (behaviour === 'slow') await sleep(slowMs);
    if (behaviour === 'fail') return response.writeHead(500).end('not today');
    if (behaviour === 'busy') return response.writeHead(503, { 'Retry-After': '1' }).end();
    if (event) take(endpoint, event, violate);
    response.writeHead(204).end();
  });
  return {
    endpoints,
    /** Its bad days are over: from now on every endpoint takes everything. */
    recover() {
      endpoints.moody.behaviours = { accept: 1 };
    },
    urlOf: (name) => `${server.origin}/${name}`,
    close: server.close,
  };
}

const newEndpoint = (behaviours) => ({
  behaviours,
  /** Set when the subscription has been made. */
  secret: undefined,
  requests: 0,
  repeated: 0,
  /** webhook-id → what came. */
  taken: new Map(),
});

function verify(endpoint, request, text, violate) {
  try {
    const body = new Webhook(endpoint.secret).verify(text, request.headers);
    return {
      id: request.headers['webhook-id'],
      type: request.headers['x-qvoo-event'],
      recordId: body._id,
      description: body.description,
      digest: createHash('sha1').update(text).digest('base64'),
    };
  } catch (error) {
    violate('webhook with a bad signature or body', error.message);
    return undefined;
  }
}

function take(endpoint, event, violate) {
  const known = endpoint.taken.get(event.id);
  if (known) {
    endpoint.repeated += 1;
    if (known.digest !== event.digest) violate('webhook whose body changed between deliveries', event.id);
  } else endpoint.taken.set(event.id, event);
}
