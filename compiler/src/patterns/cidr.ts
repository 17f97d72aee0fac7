// Text of an IP address or address range -> bytes in network order.
// The forms are those of RFC 4291 section 2.2 for IPv6 and plain dotted decimal for IPv4. Zone ids, leading zeros in an
// IPv4 octet and shortened IPv4 forms are not addresses. An IPv4-mapped IPv6 address stays IPv6.

export interface Address {
  readonly family: 4 | 6;
  /** 4 or 16 bytes, most significant first. */
  readonly bytes: Uint8Array;
}

export interface Cidr extends Address {
  /** How many leading bits count; the bits after them are zero in `bytes`. */
  readonly prefix: number;
}

/** Reads an IPv4 or IPv6 address; null when the text is neither. */
export function parseAddress(text: string): Address | null {
  if (text.includes(":")) {
    const bytes = parseIPv6(text);
    return bytes === null ? null : { family: 6, bytes };
  }
  const octets = parseIPv4(text);
  return octets === null ? null : { family: 4, bytes: Uint8Array.from(octets) };
}

/**
 * Reads `address/prefix`, or a bare address as the range that holds only it. Host bits are cleared. Null when the text is
 * not a range: the prefix is a decimal number without leading zeros, at most 32 or 128.
 */
export function parseCidr(text: string): Cidr | null {
  const slash = text.indexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === null) return null;
  const width = address.bytes.length * 8;
  const prefix = slash < 0 ? width : parseDecimal(text.slice(slash + 1), width);
  if (prefix === null) return null;
  return { family: address.family, bytes: clearHostBits(address.bytes, prefix), prefix };
}

function clearHostBits(bytes: Uint8Array, prefix: number): Uint8Array {
  return bytes.map((byte, index) => {
    const kept = Math.min(8, Math.max(0, prefix - index * 8));
    return byte & (0xff << (8 - kept));
  });
}

function parseDecimal(text: string, max: number): number | null {
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(text)) return null;
  const value = Number(text);
  return value <= max ? value : null;
}

function parseIPv4(text: string): readonly number[] | null {
  const octets = text.split(".").map((octet) => parseDecimal(octet, 255));
  if (octets.length !== 4) return null;
  const known = octets.filter((octet) => octet !== null);
  return known.length === 4 ? known : null;
}

const IPV6_GROUPS = 8;

function parseIPv6(text: string): Uint8Array | null {
  const halves = text.split("::");
  const [left, right] = halves;
  if (left === undefined || halves.length > 2) return null;
  const head = parseGroups(left, right === undefined);
  const tail = right === undefined ? [] : parseGroups(right, true);
  if (head === null || tail === null) return null;
  const missing = IPV6_GROUPS - head.length - tail.length;
  // `::` stands for at least one group of zeros.
  if (right === undefined ? missing !== 0 : missing < 1) return null;
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (const [index, group] of head.entries()) view.setUint16(index * 2, group);
  for (const [index, group] of tail.entries()) view.setUint16((head.length + missing + index) * 2, group);
  return bytes;
}

/** The 16-bit groups of one side of `::`; a dotted IPv4 address may stand last, and counts as two groups. */
function parseGroups(text: string, mayEndInIPv4: boolean): readonly number[] | null {
  if (text === "") return [];
  const groups: number[] = [];
  const words = text.split(":");
  for (const [index, word] of words.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(word)) {
      groups.push(Number.parseInt(word, 16));
      continue;
    }
    const octets = mayEndInIPv4 && index === words.length - 1 ? parseIPv4(word) : null;
    if (octets === null) return null;
    const [a = 0, b = 0, c = 0, d = 0] = octets;
    groups.push(a * 256 + b, c * 256 + d);
  }
  return groups;
}
