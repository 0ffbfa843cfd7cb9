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
