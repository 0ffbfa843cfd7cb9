import { type Decimal, minus, plus, ratio, textOf, zero } from '../../../lib/decimal.ts';
import type { Row } from '../../../records/aggregates/count.ts';

/** Amounts by their currencies, which nothing adds up. */
export type Amounts = Map<string, Decimal>;

/** How many deals, and what they are worth. */
export interface Sums {
  count: number;
  /** How many of them are in each currency. */
  counts: Map<string, number>;
  value: Amounts;
  weighted: Amounts;
}

export const noSums = (): Sums => ({
  count: 0,
  counts: new Map(),
  value: new Map(),
  weighted: new Map(),
});

/** Adds a row of this currency. */
export function addRow(
  sums: Sums,
  { count, sums: { value = zero, weighted = zero } }: Row,
  currency: string,
): void {
  sums.count += count;
  sums.counts.set(currency, (sums.counts.get(currency) ?? 0) + count);
  add(sums.value, currency, value);
  add(sums.weighted, currency, weighted);
}

const add = (amounts: Amounts, currency: string, amount: Decimal): void => {
  amounts.set(currency, plus(amounts.get(currency) ?? zero, amount));
};

export function total(parts: Iterable<Sums>): Sums {
  const whole = noSums();
  for (const { count, counts, value, weighted } of parts) {
    whole.count += count;
    for (const [currency, some] of counts)
      whole.counts.set(currency, (whole.counts.get(currency) ?? 0) + some);
    for (const [currency, amount] of value) add(whole.value, currency, amount);
    for (const [currency, amount] of weighted) add(whole.weighted, currency, amount);
  }
  return whole;
}

/** What is left of some amounts without others. */
export function without(amounts: Amounts, others: Amounts): Amounts {
  const left = new Map(amounts);
  for (const [currency, amount] of others) left.set(currency, minus(left.get(currency) ?? zero, amount));
  return left;
}

const decimals = 2;
const number = (count: number): Decimal => ({ units: BigInt(count), scale: 0 });

/** Percent with two decimals. */
export const percent = (part: number, whole: number): number =>
  Number(textOf(ratio(number(100 * part), number(whole), decimals)));

const dayMs = 86_400_000n;

/** The average number of days with two decimals. */
export const averageDays = (ms: Decimal, count: Decimal): number =>
  Number(textOf(ratio(ms, { units: count.units * dayMs, scale: count.scale }, decimals)));

/** As answers have it: exact digits by currency. */
export const shownAmounts = (amounts: Amounts): Record<string, string> =>
  Object.fromEntries(
    [...amounts]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([currency, amount]) => [currency, textOf(amount)]),
  );

/** Each amount divided by a number, with two decimals. */
export const average = (amounts: Amounts, count: number): Amounts =>
  new Map([...amounts].map(([currency, amount]) => [currency, ratio(amount, number(count), decimals)]));

/** The currency for those who know one only: the preferred one if any deal has it, else the one that most have. */
export function mainCurrency({ counts }: Sums, preferred: string): string {
  if (counts.has(preferred)) return preferred;
  const [most] = [...counts].sort(([, one], [, other]) => other - one);
  return most?.[0] ?? preferred;
}

/** An amount in a currency as a number with two decimals; 0 where there is none. */
export const numberIn = (amounts: Amounts, currency: string): number =>
  Number(textOf(ratio(amounts.get(currency) ?? zero, number(1), decimals)));

/** The same, divided by a number; 0 for none. */
export const averageIn = (amounts: Amounts, currency: string, count: number): number =>
  numberIn(average(amounts, count), currency);
