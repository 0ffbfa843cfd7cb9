import { describe, expect, it } from 'vitest';
import { isAddressIn, isAddressOrRange, isPublicAddress } from '../../src/lib/ip.ts';

describe('isAddressOrRange', () => {
  it.each(['10.0.0.1', '0.0.0.0/0', '10.0.0.0/8', '::1', '2001:db8::/32', '::ffff:10.0.0.1', '::/0'])(
    '%s is',
    (text) => expect(isAddressOrRange(text)).toBe(true),
  );
  it.each([
    '',
    '10',
    '127.1',
    '0x7f.0.0.1',
    '010.0.0.1',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/255.0.0.0',
    'fe80::1%eth0',
    'example.com',
    '10.0.0.1 ',
    '*',
  ])('%j is not', (text) => expect(isAddressOrRange(text)).toBe(false));
});

describe('isAddressIn', () => {
  it.each([
    ['10.1.2.3', ['10.0.0.0/8'], true],
    ['11.1.2.3', ['10.0.0.0/8'], false],
    ['10.1.2.3', ['10.1.2.3'], true],
    ['::ffff:10.1.2.3', ['10.0.0.0/8'], true],
    ['10.1.2.3', ['::ffff:10.1.2.3'], true],
    ['10.1.2.3', ['::/0'], false],
    ['2001:db8::1', ['2001:db8::/32'], true],
    ['2001:0db8:0:0::1', ['2001:db8::1'], true],
    ['2001:db9::1', ['10.0.0.0/8', '2001:db8::/32'], false],
    ['10.1.2.3', [], false],
    ['nonsense', ['0.0.0.0/0'], false],
  ])('%s in %j: %s', (address, allowed, expected) => expect(isAddressIn(address, allowed)).toBe(expected));
});

describe('isPublicAddress', () => {
  it.each(['8.8.8.8', '203.0.114.1', '2606:4700::1111'])('%s is', (address) =>
    expect(isPublicAddress(address)).toBe(true),
  );
  it.each([
    '127.0.0.1',
    '10.0.0.1',
    '192.168.1.1',
    '172.16.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    'nonsense',
  ])('%s is not', (address) => expect(isPublicAddress(address)).toBe(false));
});
