/** Whether the text names a time zone of the IANA database, aliases included. */
export function isTimeZone(name: string): boolean {
  // Newer runtimes also take offsets such as +05:30, which know no daylight saving and are no names.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const dayMs = 24 * 60 * 60 * 1_000;

/** Making one costs more than using it a thousand times. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** How far the zone's clocks were ahead of UTC then. */
function offsetMs(time: number, zone: string): number {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' });
    formats.set(zone, format);
  }
  const name = format.formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours, minutes, seconds] = /([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(name) ?? [];
  const ahead = ((Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds ?? 0)) * 1_000;
  return sign === '-' ? -ahead : ahead;
}

/** When a day (`2026-01-31`) begins in a time zone, or the one so many days later. */
export function startOfDay(day: string, zone: string, later = 0): Date {
  const wanted = Date.parse(`${day}T00:00:00Z`) + later * dayMs;
  // The offset that holds there, which is found with the one that nearly does.
  const near = wanted - offsetMs(wanted, zone);
  return new Date(wanted - offsetMs(near, zone));
}

const dayFormats = new Map<string, Intl.DateTimeFormat>();

/** The day on which a time falls in a time zone: `2026-01-31`. */
export function dayOf(time: Date, zone: string): string {
  let format = dayFormats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' });
    dayFormats.set(zone, format);
  }
  return format.format(time);
}
