// Nanoseconds since 1970 -> ISO 8601 in UTC, with 3, 6 or 9 digits of fraction: the fewest that lose nothing.

const NS_PER_SECOND = 1_000_000_000n;

/** The second that was written last, up to its fraction: alerts are often of one second, and `Date` takes most of the time. */
let latest = { second: 0n, text: "1970-01-01T00:00:00." };

/** `ts` is an i64 of nanoseconds, so the year has four digits. */
export function isoTime(ts: bigint): string {
  let second = ts / NS_PER_SECOND;
  let rest = Number(ts - second * NS_PER_SECOND);
  if (rest < 0) {
    rest += 1e9;
    second -= 1n;
  }
  if (latest.second !== second) {
    latest = { second, text: new Date(Number(second) * 1000).toISOString().slice(0, -4) };
  }
  const digits = String(1e9 + rest).slice(1);
  const kept = rest % 1e6 === 0 ? 3 : rest % 1000 === 0 ? 6 : 9;
  return `${latest.text}${digits.slice(0, kept)}Z`;
}
