import { describe, expect, it } from 'vitest';
import { minus, plus, ratio, rounded, textOf, times, toDecimal } from '../../src/lib/decimal.ts';

describe('decimal numbers', () => {
  it.each([
    ['0.1', '0.2', '0.3', '-0.1', '0.02'],
    ['9999999999999.99', '0.01', '10000000000000', '9999999999999.98', '99999999999.9999'],
    ['-1.5', '1', '-0.5', '-2.5', '-1.5'],
    ['1e-7', '1E+3', '1000.0000001', '-999.9999999', '0.0001'],
    ['0', '0', '0', '0', '0'],
  ])('%s and %s add, subtract and multiply without rounding', (one, other, sum, difference, product) => {
    const [a, b] = [toDecimal(one), toDecimal(other)];
    expect([plus(a, b), minus(a, b), times(a, b)].map(textOf)).toEqual([sum, difference, product]);
  });

  it.each([
    ['1', '3', 2, '0.33'],
    ['2', '3', 2, '0.67'],
    ['-1', '8', 2, '-0.13'],
    ['1', '0', 2, '0'],
    ['23', '35', 4, '0.6571'],
  ])('%s / %s is rounded half away from zero', (part, whole, decimals, expected) => {
    expect(textOf(ratio(toDecimal(part), toDecimal(whole), decimals))).toBe(expected);
  });

  it('rounds', () => {
    expect(['0.005', '0.004', '-0.005', '12'].map((text) => textOf(rounded(toDecimal(text), 2)))).toEqual([
      '0.01',
      '0',
      '-0.01',
      '12',
    ]);
  });

  it.each(['', 'x', '1,5', '--1', 'NaN', '1e99999'])('knows that %j is none', (text) => {
    expect(() => toDecimal(text)).toThrow(SyntaxError);
  });
});
