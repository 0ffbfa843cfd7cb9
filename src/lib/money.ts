/** An amount that no arithmetic of ours rounds: the decimal digits as given, and their currency. */
export interface Money {
  amount: string;
  currency: string;
}

/** @param amount a finite number as JSON carries it; its shortest exact decimal form is kept */
export const toMoney = (amount: number, currency: string): Money => ({ amount: String(amount), currency });

/** For contracts that show numbers. */
export const amountOf = (money: Money | undefined): number | undefined =>
  money ? Number(money.amount) : undefined;
