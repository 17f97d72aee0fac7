// Text of a date constant -> nanoseconds since 1970. The prelude's parseDate reads event values by the same grammar.

const DATE =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)?)?$/;
const NS_PER_MS = 1_000_000n;
const I64_MIN = -(2n ** 63n);
const I64_MAX = 2n ** 63n - 1n;

/** Nanoseconds since 1970-01-01T00:00Z, or null when the text is no date or they do not fit 64 bits (1677 to 2262). */
export function parseDate(text: string): bigint | null {
  const parts = DATE.exec(text);
  if (parts === null) return null;
  const part = (index: number): number => Number(parts[index] ?? "0");
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)];
  if (year < 1000 || hour > 23 || minute > 59 || second > 59) return null;
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  if (new Date(Date.UTC(year, month - 1, day)).getUTCDate() !== day || month < 1 || month > 12) return null;
  const zoneHours = part(9);
  const zoneMinutes = part(10);
  if (zoneHours > 23 || zoneMinutes > 59) return null;
  const zoneMs = (zoneHours * 60 + zoneMinutes) * 60_000 * (parts[8] === "-" ? -1 : 1);
  const fraction = BigInt((parts[7] ?? "").slice(0, 9).padEnd(9, "0"));
  const nanoseconds = BigInt(ms - zoneMs) * NS_PER_MS + fraction;
  return nanoseconds >= I64_MIN && nanoseconds <= I64_MAX ? nanoseconds : null;
}
