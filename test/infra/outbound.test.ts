import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  allowedAddresses,
  assertAllowedUrl,
  createAgents,
  ForbiddenTarget,
  type OutboundPolicy,
  resolveLocally,
} from '../../src/infra/outbound.ts';
import { isPublicAddress } from '../../src/lib/ip.ts';

const policyOf = (...answers: string[][]): OutboundPolicy => ({
  isPrivateNetworkAllowed: false,
  // One answer after the other, as a name server under an attacker's control gives them.
  resolve: async () => (answers.length > 1 ? answers.shift() : answers[0]) ?? [],
});

describe('isPublicAddress', () => {
  it.each(['8.8.8.8', '93.184.216.34', '2606:4700:4700::1111', '::ffff:8.8.8.8'])('%s is public', (address) =>
    expect(isPublicAddress(address)).toBe(true),
  );

  it.each([
    ['this host', '0.0.0.0'],
    ['loopback', '127.0.0.1'],
    ['loopback', '127.255.255.254'],
    ['private', '10.1.2.3'],
    ['private', '172.16.0.1'],
    ['private', '192.168.1.1'],
    ['carrier-grade NAT', '100.64.0.1'],
    ['link-local', '169.254.0.1'],
    ['metadata', '169.254.169.254'],
    ['metadata', '100.100.100.200'],
    ['metadata', '168.63.129.16'],
    ['protocol assignments', '192.0.0.192'],
    ['documentation', '192.0.2.1'],
    ['benchmarking', '198.18.0.1'],
    ['multicast', '224.0.0.1'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['unspecified', '::'],
    ['loopback', '::1'],
    ['IPv4-compatible', '::127.0.0.1'],
    ['IPv4-mapped', '::ffff:127.0.0.1'],
    ['IPv4-mapped', '::ffff:a9fe:a9fe'],
    ['IPv4-translated', '::ffff:0:7f00:1'],
    ['NAT64', '64:ff9b::7f00:1'],
    ['local NAT64', '64:ff9b:1::7f00:1'],
    ['6to4', '2002:7f00:1::'],
    ['Teredo', '2001:0:7f00:1::'],
    ['unique local', 'fd00:ec2::254'],
    ['link-local', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%eth0'],
    ['site-local', 'fec0::1'],
    ['multicast', 'ff02::1'],
    ['documentation', '2001:db8::1'],
    ['outside of what is given out', '4000::1'],
    ['no address', 'example.com'],
    ['no address', ''],
  ])('%s: %s is not', (_, address) => expect(isPublicAddress(address)).toBe(false));
});

describe('assertAllowedUrl', () => {
  const policy = policyOf();
  const check = (text: string) => () => assertAllowedUrl(new URL(text), policy);

  it.each([
    'http://example.com/hook',
    'https://example.com:443/',
    'https://example.com:8443/',
    'https://user:password@example.com/',
    'http://8.8.8.8/',
    'https://[2606:4700:4700::1111]/',
  ])('allows %s', (text) => expect(check(text)).not.toThrow());

  it.each([
    'ftp://example.com/',
    'file:///etc/passwd',
    'http://localhost/',
    'http://LOCALHOST./',
    'http://api.localhost/',
    'http://metadata.google.internal/',
    'http://printer.local/',
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::]/',
    'http://0/',
    'http://example.com:22/',
    'http://example.com:25/',
    'http://example.com:3306/',
    'http://example.com:6379/',
    'http://example.com:27017/',
    'http://example.com:11211/',
  ])('refuses %s', (text) => expect(check(text)).toThrow(ForbiddenTarget));
});

describe('allowedAddresses', () => {
  it('returns every answer when all are public', async () => {
    const policy = policyOf(['93.184.216.34', '2606:4700:4700::1111']);
    expect(await allowedAddresses('example.com', policy)).toEqual(['93.184.216.34', '2606:4700:4700::1111']);
  });

  it('refuses a name of whose answers a single one is private', async () => {
    const policy = policyOf(['93.184.216.34', '10.0.0.1']);
    await expect(allowedAddresses('example.com', policy)).rejects.toThrow(ForbiddenTarget);
  });

  it('takes any address where the private network is allowed', async () => {
    const policy = { isPrivateNetworkAllowed: true, resolve: resolveLocally };
    expect(await allowedAddresses('localhost', policy)).toContain('127.0.0.1');
  });
});

describe('createAgents', () => {
  let requests = 0;
  const server = createServer((_, res) => {
    requests += 1;
    res.end('reached');
  });
  let port = 0;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => server.close());

  const get = (host: string, policy: OutboundPolicy) =>
    new Promise((resolve, reject) => {
      const { http: agent } = createAgents(policy);
      const req = request({ host, port, agent }, (res) => resolve(res.statusCode));
      req.on('error', reject).end();
    });

  it('refuses an answer that turned private between the check and the connection', async () => {
    const policy = policyOf(['93.184.216.34'], ['127.0.0.1']);
    expect(await allowedAddresses('rebind.example.com', policy)).toEqual(['93.184.216.34']);
    await expect(get('rebind.example.com', policy)).rejects.toThrow(ForbiddenTarget);
    expect(requests).toBe(0);
  });

  it('refuses a literal address, which is never looked up', async () => {
    await expect(get('127.0.0.1', policyOf())).rejects.toThrow(ForbiddenTarget);
    expect(requests).toBe(0);
  });

  it('connects where the private network is allowed', async () => {
    const policy = { isPrivateNetworkAllowed: true, resolve: async () => ['127.0.0.1'] };
    expect(await get('hooks.example.com', policy)).toBe(200);
    expect(requests).toBe(1);
  });
});
