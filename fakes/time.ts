// A moment that a client wrote down, without the ambient Date: the counterpart of `isoTime` in `service.ts`.

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Milliseconds since the epoch of an RFC 3339 time in UTC; undefined when the text is none. */
export function msOfTime(value: unknown): number | undefined {
  const [, ...parts] = (typeof value === 'string' ? RFC_3339.exec(value) : null) ?? [];
  if (parts.length === 0) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(0, 6).map(Number);
  const fits =
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= daysOf(month, year) &&
    hour < 24 &&
    minute < 60 &&
    second < 60;
  if (!fits) return undefined;
  const fraction = Number((parts[6] ?? '0').padEnd(3, '0').slice(0, 3));
  return (
    daysSinceEpoch(year, month, day) * 86_400_000 + ((hour * 60 + minute) * 60 + second) * 1000 + fraction
  );
}

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
const daysOf = (month: number, year: number): number => (month === 2 && isLeap(year) ? 29 : DAYS[month - 1]);

/** Leap days are counted up to the year before, and those of the months so far come after. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const leapDays = (until: number) =>
    Math.floor(until / 4) - Math.floor(until / 100) + Math.floor(until / 400);
  let days = (year - 1970) * 365 + leapDays(year - 1) - leapDays(1969) + day - 1;
  for (let before = 1; before < month; before++) days += daysOf(before, year);
  return days;
}
