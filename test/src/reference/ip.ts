// Text -> IPv4 and IPv6 addresses and CIDR ranges. An IPv4 address is never equal to an IPv6 one, mapped or not.

export interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

export interface Range {
  readonly bits: 32 | 128;
  /** The bits of the prefix, as the most significant bits of an address; host bits are zero. */
  readonly base: bigint;
  readonly prefix: number;
}

/** Reads dotted-decimal IPv4 or RFC 4291 IPv6 without a zone; null for any other text. */
export function addressOf(text: string): Address | null {
  const four = readFour(text);
  if (four !== null) return { bits: 32, value: four };
  const six = readSix(text);
  return six === null ? null : { bits: 128, value: six };
}

/** Reads `address/prefix`, host bits masked away, or a bare address as the range of itself. null for any other text. */
export function parseRange(text: string): Range | null {
  const slash = text.indexOf("/");
  if (slash < 0) {
    const only = addressOf(text);
    return only === null ? null : { bits: only.bits, base: only.value, prefix: only.bits };
  }
  const address = addressOf(text.slice(0, slash));
  const length = text.slice(slash + 1);
  if (address === null || !/^(0|[1-9][0-9]{0,2})$/.test(length)) return null;
  const prefix = Number(length);
  if (prefix > address.bits) return null;
  const hostBits = BigInt(address.bits - prefix);
  return { bits: address.bits, base: (address.value >> hostBits) << hostBits, prefix };
}

/** False when there is no address or it is of the other family. */
export function inRange(address: Address | null, range: Range): boolean {
  if (address === null || address.bits !== range.bits) return false;
  const hostBits = BigInt(range.bits - range.prefix);
  return (address.value >> hostBits) << hostBits === range.base;
}

function readFour(text: string): bigint | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  let value = 0n;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return null;
    value = value * 256n + BigInt(part);
  }
  return value;
}

function readSix(text: string): bigint | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = readGroups(halves[0] ?? "", halves.length === 1);
  if (halves.length === 1) return head !== null && head.length === 8 ? joinGroups(head) : null;
  const tail = readGroups(halves[1] ?? "", true);
  // `::` stands for at least one group of zeros.
  if (head === null || tail === null || head.length + tail.length > 7) return null;
  const zeros = new Array<number>(8 - head.length - tail.length).fill(0);
  return joinGroups([...head, ...zeros, ...tail]);
}

/** `mayEndInFour`: whether the last two groups may be written as an IPv4 address. */
function readGroups(text: string, mayEndInFour: boolean): number[] | null {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const four = mayEndInFour && i === parts.length - 1 ? readFour(part) : null;
    if (four === null) return null;
    groups.push(Number(four >> 16n), Number(four & 0xffffn));
  }
  return groups;
}

function joinGroups(groups: readonly number[]): bigint {
  return groups.reduce((value, group) => value * 65536n + BigInt(group), 0n);
}
