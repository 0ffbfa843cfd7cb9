import { lookup, Resolver } from 'node:dns/promises';
import { type AgentOptions, type ClientRequestArgs, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, type RequestOptions } from 'node:https';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { isPublicAddress } from '../lib/ip.ts';

/**
 * Connections to addresses that clients name. Without care such a server can be told to talk to its own network (SSRF).
 * So every connection of these agents goes to an address that was checked for this very connection: the name is
 * resolved once, every answer has to be public, and exactly those answers are connected to. An answer that changes
 * between an earlier check and the connection is therefore caught, and so is an address that is written as a number.
 */
export interface OutboundPolicy {
  isPrivateNetworkAllowed: boolean;
  resolve: Resolve;
}

/** Every address that a name stands for. */
export type Resolve = (hostname: string) => Promise<string[]>;

/** The target is not one that a client may name; the message says why. */
export class ForbiddenTarget extends Error {}

/** Names that never belong to the public internet, whatever a resolver says. */
const privateName = /(^|\.)(localhost|local|internal|home\.arpa)$/;

/** Above 1023 there are services too that trust whoever reaches them; the rest are those that browsers refuse. */
const refusedPorts = new Set([
  ...[1433, 1521, 1719, 1720, 1723, 2049, 2375, 2376, 2379, 2380, 3306, 3389, 3659, 4045, 4190, 5060, 5061],
  ...[5432, 5672, 5900, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 9042, 9092, 9200, 9300],
  ...[10_080, 10_250, 11_211, 27_017, 27_018, 27_019],
]);
const firstFreePort = 1_024;

const isWebPort = (port: number): boolean =>
  port === 80 || port === 443 || (port >= firstFreePort && !refusedPorts.has(port));

/** Holds what the URL alone tells against the policy. @throws ForbiddenTarget */
export function assertAllowedUrl(url: URL, policy: OutboundPolicy): void {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new ForbiddenTarget('Must be an http(s) URL');
  if (url.port !== '' && !isWebPort(Number(url.port)))
    throw new ForbiddenTarget(`Port ${url.port} is not allowed`);
  const host = hostOf(url.hostname);
  if (policy.isPrivateNetworkAllowed) return;
  if (isIP(host) ? !isPublicAddress(host) : privateName.test(host.replace(/\.$/, ''))) throw notPublic(host);
}

/** The addresses behind a name or a literal address, all of them allowed. @throws ForbiddenTarget, or the resolver's error */
export async function allowedAddresses(hostname: string, policy: OutboundPolicy): Promise<string[]> {
  const host = hostOf(hostname);
  const addresses = isIP(host) ? [host] : await policy.resolve(host);
  if (!policy.isPrivateNetworkAllowed && !addresses.every(isPublicAddress)) throw notPublic(host);
  return addresses;
}

const notPublic = (host: string): ForbiddenTarget =>
  new ForbiddenTarget(`${host} is not an address of the public internet`);

/** The URL class leaves the brackets of an IPv6 address on. */
const hostOf = (hostname: string): string => hostname.replace(/^\[|\]$/g, '').toLowerCase();

/** A name server that does not answer must not hold up a delivery for long. */
const resolverOptions = { timeout: 2_000, tries: 2 };
/** However many name servers there are to be asked, and however often each of them has to be. */
const resolveTimeoutMs = 5_000;

/** Asks the name servers for every A and AAAA record. Needs no thread, so slow name servers hold up nobody else. */
export function createResolve(servers?: string[], timeoutMs = resolveTimeoutMs): Resolve {
  const resolver = new Resolver(resolverOptions);
  if (servers) resolver.setServers(servers);
  return async (hostname) => {
    const asked = Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const answers = await Promise.race([asked, delay(timeoutMs, undefined, { ref: false })]);
    if (!answers) throw Object.assign(new Error(`No answer about ${hostname}`), { code: 'ETIMEOUT' });
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (addresses.length > 0) return addresses;
    throw (answers[0] as PromiseRejectedResult).reason;
  };
}

/** As the operating system resolves, with its hosts file: for receivers on the developer's own machine or network. */
export const resolveLocally: Resolve = async (hostname) =>
  (await lookup(hostname, { all: true })).map(({ address }) => address);

/** Free connections are closed before most servers do so, since a request on a closing one fails. */
const agentOptions: AgentOptions = {
  keepAlive: true,
  maxFreeSockets: 64,
  timeout: 4_000,
  scheduling: 'lifo',
};

/** Agents whose every connection obeys the policy. */
export function createAgents(policy: OutboundPolicy): { http: HttpAgent; https: HttpsAgent } {
  const options = { ...agentOptions, lookup: lookupOf(policy) };
  return { http: new GuardedHttpAgent(options, policy), https: new GuardedHttpsAgent(options, policy) };
}

function lookupOf(policy: OutboundPolicy): LookupFunction {
  return (hostname, options, callback) => {
    allowedAddresses(hostname, policy).then(
      (addresses) => {
        const answers = addresses.map((address) => ({ address, family: isIP(address) }));
        if (options.all) callback(null, answers);
        else callback(null, answers[0]?.address ?? '', answers[0]?.family);
      },
      (error: Error) => callback(error, []),
    );
  };
}

type OnCreate = (error: Error | null, stream: Duplex) => void;

class GuardedHttpAgent extends HttpAgent {
  readonly #policy: OutboundPolicy;
  constructor(options: AgentOptions, policy: OutboundPolicy) {
    super(options);
    this.#policy = policy;
  }
  override createConnection(options: ClientRequestArgs, callback?: OnCreate) {
    return guarded(this.#policy, options.host, callback, () => super.createConnection(options));
  }
}

class GuardedHttpsAgent extends HttpsAgent {
  readonly #policy: OutboundPolicy;
  constructor(options: AgentOptions, policy: OutboundPolicy) {
    super(options);
    this.#policy = policy;
  }
  override createConnection(options: RequestOptions, callback?: OnCreate) {
    return guarded(this.#policy, options.host, callback, () => super.createConnection(options));
  }
}

/** Refuses literal addresses, which no lookup sees, and looks at the far end again before a byte of the request leaves. */
function guarded(
  { isPrivateNetworkAllowed }: OutboundPolicy,
  host: string | null | undefined,
  callback: OnCreate | undefined,
  connect: () => Duplex | null | undefined,
): Duplex | null | undefined {
  if (isPrivateNetworkAllowed) return connect();
  const literal = hostOf(host ?? '');
  if (isIP(literal) && !isPublicAddress(literal)) {
    process.nextTick(() => callback?.(notPublic(literal), undefined as never));
    return undefined;
  }
  const socket = connect() as Socket;
  socket.once('connect', () => {
    const { remoteAddress = '' } = socket;
    if (!isPublicAddress(remoteAddress)) socket.destroy(notPublic(remoteAddress));
  });
  return socket;
}
