import { isIP, isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Whether the text is an address or a CIDR range, in the usual notation: "10" and "0x7f.1" are not. */
export function isAddressOrRange(text: string): boolean {
  const [address = '', ...prefix] = text.split('/');
  if (isIP(address) === 0 || address.includes('%')) return false;
  return (
    prefix.length === 0 || (/^\d{1,3}$/.test(text.slice(address.length + 1)) && ipaddr.isValidCIDR(text))
  );
}

/** Whether an address is one of, or lies in one of, the given addresses and CIDR ranges. */
export function isAddressIn(address: string, allowed: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const candidate = ipaddr.process(address);
  return allowed.some((entry) => {
    if (ipaddr.isValid(entry)) return ipaddr.process(entry).toString() === candidate.toString();
    const [range, bits] = ipaddr.parseCIDR(entry);
    return range.kind() === candidate.kind() && candidate.match(range, bits);
  });
}

/** The only part of IPv6 that is given out for public use; the old forms that wrap an IPv4 address lie elsewhere. */
const publicIpv6 = ipaddr.IPv6.parseCIDR('2000::/3');

/** Azure's host answers its guests under this address, which looks like any other. */
const cloudHosts = new Set(['168.63.129.16']);

/** Whether an address is one that the public internet routes to; private, loopback, link-local, metadata are not. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  // `process` also unwraps IPv4-mapped IPv6; what other transition ranges wrap is not 'unicast'.
  const parsed = ipaddr.process(address);
  if (parsed.range() !== 'unicast' || cloudHosts.has(parsed.toString())) return false;
  return parsed instanceof ipaddr.IPv4 || parsed.match(publicIpv6);
}

/** Of an IPv6 address only the network counts: whoever has one address there has all 2^64. */
const ipv6NetworkParts = 4;

/** What callers are told apart by: an IPv4 address, or the /64 network of an IPv6 one. */
export function networkOf(address: string): string {
  // As most are, and every request asks.
  if (isIPv4(address)) return address;
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  return `${parsed.parts
    .slice(0, ipv6NetworkParts)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}

/** Whether the address is the machine's own. */
export const isLoopback = (address: string): boolean =>
  ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback';
