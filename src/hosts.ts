import type { IncomingMessage } from 'node:http';
import { type Config, ConfigError } from './config.ts';
import type { Adapter } from './http.ts';

/** What CONTRACT_HOSTS calls the contract whose routes are at the root anyway. */
const nativeName = 'native';

/**
 * Leads requests to a contract's own host name to its routes, so that its clients change nothing but the name: what asks
 * that host for `/api/tags` is served by `/automate8/api/tags`. Only the Host header counts, which proxies have to pass on.
 * @throws ConfigError for a contract that there is not
 */
export function rewriteByHost(
  { contractHosts }: Pick<Config, 'contractHosts'>,
  adapters: readonly Adapter[],
): ((request: IncomingMessage) => string) | undefined {
  if (contractHosts.size === 0) return undefined;
  const known = [nativeName, ...adapters.map(({ api }) => api)];
  const bases = new Map<string, string>();
  for (const [host, contract] of contractHosts) {
    if (!known.includes(contract)) {
      throw new ConfigError(`CONTRACT_HOSTS: ${contract} is none of the contracts (${known.join(', ')})`);
    }
    if (contract !== nativeName) bases.set(host, `/${contract}`);
  }
  return ({ headers, url = '/' }) => {
    const base = bases.get(hostNameOf(headers.host));
    return base === undefined || url.startsWith(`${base}/`) ? url : `${base}${url}`;
  };
}

const hostNameOf = (host = ''): string => host.toLowerCase().replace(/:\d+$/, '');
