// Durations and sizes on the command line -> nanoseconds and bytes.

import { InvalidArgumentError } from "commander";

const NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
};

const BYTES: Readonly<Record<string, number>> = { "": 1, k: 1 << 10, m: 1 << 20, g: 1 << 30 };

const GIBIBYTE = 2 ** 30;
/** Far beyond any recording, and far from where 64-bit nanoseconds end. */
const LONGEST_NS = 36_500n * 86_400_000_000_000n;

/** `500ms`, `5s`, `2m`, `1h`, `1d` to nanoseconds; `0` needs no unit. */
export function parseDuration(text: string): bigint {
  const [, digits = "", unit = ""] = /^(\d{1,18})(ns|us|ms|s|m|h|d)$/.exec(text === "0" ? "0s" : text) ?? [];
  const scale = NS[unit];
  if (digits === "" || scale === undefined) {
    throw new InvalidArgumentError("A duration is a whole number and a unit: 500ms, 5s, 2m, 1h, 1d.");
  }
  const ns = BigInt(digits) * scale;
  if (ns > LONGEST_NS) throw new InvalidArgumentError("A duration is at most 36500d.");
  return ns;
}

/** `65536`, `64k`, `1m` or `1MiB` to bytes, from `least` to `most`; no buffer of Node is larger than 1 GiB. */
export function parseSize(text: string, least: number, most = GIBIBYTE): number {
  const [, digits = "", unit = ""] = /^(\d{1,10})([kmg]?)(?:i?b)?$/i.exec(text) ?? [];
  const bytes = Number(digits) * (BYTES[unit.toLowerCase()] ?? 0);
  if (digits === "" || bytes < least || bytes > most) {
    throw new InvalidArgumentError(`A size is a number of bytes from ${least} to ${sizeText(most)}: 65536, 64k, 1m.`);
  }
  return bytes;
}

const LEAST_RING = 1 << 16;

/** The size of a ring of the kernel: a power of two, as {@link parseSize} takes it. */
export function parseRing(text: string): number {
  const bytes = parseSize(text, LEAST_RING);
  if (!Number.isInteger(Math.log2(bytes))) throw new InvalidArgumentError("A ring's size is a power of two: 16m, 64m.");
  return bytes;
}

/** Bytes as {@link parseSize} takes them, in the greatest unit that needs no fraction: `4m`. */
export function sizeText(bytes: number): string {
  const units = Object.entries(BYTES).reverse();
  const [unit, scale] = units.find(([, size]) => bytes % size === 0) ?? ["", 1];
  return `${bytes / scale}${unit}`;
}
