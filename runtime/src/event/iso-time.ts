// Nanoseconds since 1970 -> ISO 8601 in UTC, with 3, 6 or 9 digits of fraction: the fewest that lose nothing.

const NS_PER_MS = 1_000_000n;

/** `ts` is an i64 of nanoseconds, so the year has four digits. */
export function isoTime(ts: bigint): string {
  let millis = ts / NS_PER_MS;
  let rest = ts % NS_PER_MS;
  if (rest < 0n) {
    rest += NS_PER_MS;
    millis -= 1n;
  }
  const text = new Date(Number(millis)).toISOString();
  if (rest === 0n) return text;
  const digits = String(rest).padStart(6, "0");
  return `${text.slice(0, -1)}${digits.endsWith("000") ? digits.slice(0, 3) : digits}Z`;
}
