import { describe, expect, it } from 'vitest';
import { whyNotStorable } from '../../src/lib/json-value.ts';

const nest = (depth: number): unknown => (depth === 0 ? 1 : { a: nest(depth - 1) });

describe('whyNotStorable', () => {
  it.each([
    [{ a: [1, 'text', true, null, { b: 'ü' }] }],
    [{ constructor: 1, toString: 2, a$: 3, 'with space': 4 }],
    [nest(8)],
    [{ a: 'x'.repeat(20_000) }],
  ])('finds nothing wrong with %j', (value) => {
    expect(whyNotStorable(value)).toBeUndefined();
  });

  it.each([
    ['an operator', { $set: 1 }],
    ['an operator deep inside', { a: [{ b: { $gt: '' } }] }],
    ['a path', { 'a.b': 1 }],
    ['an empty name', { '': 1 }],
    ['a null byte in a name', { 'a\0': 1 }],
    ['a prototype', JSON.parse('{"__proto__":1}')],
    ['a long name', { ['x'.repeat(129)]: 1 }],
    ['a long text', { a: 'x'.repeat(20_001) }],
    ['an infinite number', JSON.parse('{"a":[1e999]}')],
    ['too much', Array.from({ length: 2_001 }, () => 1)],
    ['depth', nest(9)],
    ['great depth', nest(5_000)],
  ])('refuses %s', (_, value) => {
    expect(whyNotStorable(value)).toEqual(expect.any(String));
  });
});
