export const periodKinds = ['week', 'month', 'quarter', 'year'] as const;
export type PeriodKind = (typeof periodKinds)[number];

const dayMs = 86_400_000;
const timeOf = (day: string): Date => new Date(`${day}T00:00:00Z`);
const dayAt = (time: number): string => new Date(time).toISOString().slice(0, 'YYYY-MM-DD'.length);

/** The day so many days later, or earlier. */
export const dayAfter = (day: string, days: number): string => dayAt(timeOf(day).getTime() + days * dayMs);

/** Days since the week's Monday. */
const weekday = (day: string): number => (timeOf(day).getUTCDay() + 6) % 7;

/** The name of the period in which a day lies: 2026-W05, 2026-01, 2026-Q1, 2026. */
export function periodOf(day: string, kind: PeriodKind): string {
  const year = day.slice(0, 4);
  if (kind === 'year') return year;
  if (kind === 'month') return day.slice(0, 7);
  if (kind === 'quarter') return `${year}-Q${Math.ceil(Number(day.slice(5, 7)) / 3)}`;
  // A week belongs to the year in which its Thursday lies (ISO 8601).
  const thursday = dayAfter(day, 3 - weekday(day));
  const ofYear = thursday.slice(0, 4);
  const days = (timeOf(thursday).getTime() - timeOf(`${ofYear}-01-01`).getTime()) / dayMs;
  return `${ofYear}-W${String(Math.floor(days / 7) + 1).padStart(2, '0')}`;
}

function firstDayOf(day: string, kind: PeriodKind): string {
  if (kind === 'week') return dayAfter(day, -weekday(day));
  const months = { month: 1, quarter: 3, year: 12 }[kind];
  const month = Math.floor((Number(day.slice(5, 7)) - 1) / months) * months + 1;
  return `${day.slice(0, 4)}-${String(month).padStart(2, '0')}-01`;
}

/** The period of a day and those before it, newest first. */
export function lastPeriods(day: string, kind: PeriodKind, count: number): string[] {
  const periods: string[] = [];
  for (let one = day; periods.length < count; one = dayAfter(firstDayOf(one, kind), -1))
    periods.push(periodOf(one, kind));
  return periods;
}
