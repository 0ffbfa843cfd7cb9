/** A decimal number that no arithmetic rounds: `units` of ten to the power of minus `scale`. */
export interface Decimal {
  units: bigint;
  scale: number;
}

export const zero: Decimal = { units: 0n, scale: 0 };

/** What the digits say, in plain or in scientific form. @throws SyntaxError for anything else */
export function toDecimal(text: string): Decimal {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^([+-]?)(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,4}))?$/i.exec(text) ?? [];
  if (whole === '') throw new SyntaxError(`Not a decimal number: ${text}`);
  const scale = fraction.length - Number(exponent);
  const units = BigInt(`${sign === '-' ? '-' : ''}${whole}${fraction}`);
  return scale < 0 ? { units: units * 10n ** BigInt(-scale), scale: 0 } : { units, scale };
}

const unitsAt = ({ units, scale }: Decimal, wanted: number): bigint => units * 10n ** BigInt(wanted - scale);

export function plus(one: Decimal, other: Decimal): Decimal {
  const scale = Math.max(one.scale, other.scale);
  return { units: unitsAt(one, scale) + unitsAt(other, scale), scale };
}

export const minus = (one: Decimal, other: Decimal): Decimal => plus(one, { ...other, units: -other.units });

export const times = (one: Decimal, other: Decimal): Decimal => ({
  units: one.units * other.units,
  scale: one.scale + other.scale,
});

/** The shortest form of the very number. */
export function textOf({ units, scale }: Decimal): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale === 0 ? '' : digits.slice(-scale).replace(/0+$/, '');
  return `${units < 0n ? '-' : ''}${whole}${fraction && `.${fraction}`}`;
}

/** The quotient, rounded half away from zero to so many decimals; 0 where there is nothing to divide by. */
export function ratio(part: Decimal, whole: Decimal, decimals: number): Decimal {
  const scale = Math.max(part.scale, whole.scale);
  const [dividend, divisor] = [unitsAt(part, scale) * 10n ** BigInt(decimals), unitsAt(whole, scale)];
  if (divisor === 0n) return { units: 0n, scale: decimals };
  const isNegative = dividend < 0n !== divisor < 0n;
  const absolute = (number: bigint) => (number < 0n ? -number : number);
  const rounded = (2n * absolute(dividend) + absolute(divisor)) / (2n * absolute(divisor));
  return { units: isNegative ? -rounded : rounded, scale: decimals };
}

export const rounded = (number: Decimal, decimals: number): Decimal =>
  ratio(number, { units: 1n, scale: 0 }, decimals);
