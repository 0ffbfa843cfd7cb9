import ipaddr from 'ipaddr.js';

/** Whether the text is an address or a CIDR range. */
export const isAddressOrRange = (text: string): boolean => ipaddr.isValid(text) || ipaddr.isValidCIDR(text);

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

/** Whether an address is one that the public internet routes to; private, loopback, link-local, metadata are not. */
export function isPublicAddress(address: string): boolean {
  // `process` also unwraps IPv4-mapped IPv6; what other transition ranges wrap is not 'unicast'.
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast';
}
