// DNS messages, whole or spoilt on purpose, as bytes (RFC 1035).

export const DNS_TYPE = { A: 1, CNAME: 5, TXT: 16, AAAA: 28, HTTPS: 65 } as const;

/** A name on the wire: its labels, each behind its length. */
export function wireName(...labels: readonly (string | Buffer)[]): Buffer {
  const parts = labels.map((label) => (typeof label === "string" ? Buffer.from(label) : label));
  return Buffer.concat([...parts.flatMap((part) => [Buffer.from([part.length]), part]), Buffer.from([0])]);
}

/** What stands for the rest of a name: where in the message that is. */
export function pointerTo(offset: number): Buffer {
  return Buffer.from([0xc0 | (offset >> 8), offset & 0xff]);
}

/** Where the question begins. */
export const DNS_HEADER_SIZE = 12;

export function dnsHeader(
  header: { id?: number; answer?: boolean; code?: number; questions?: number; answers?: number } = {},
): Buffer {
  const bytes = Buffer.alloc(DNS_HEADER_SIZE);
  bytes.writeUInt16BE(header.id ?? 7, 0);
  bytes.writeUInt8(header.answer ? 0x81 : 0x01, 2);
  bytes.writeUInt8(header.code ?? 0, 3);
  bytes.writeUInt16BE(header.questions ?? 1, 4);
  bytes.writeUInt16BE(header.answers ?? 0, 6);
  return bytes;
}

export function dnsQuestion(name: Buffer, type: number, klass = 1): Buffer {
  const end = Buffer.alloc(4);
  end.writeUInt16BE(type, 0);
  end.writeUInt16BE(klass, 2);
  return Buffer.concat([name, end]);
}

/** A record of the answer; `size` is what it says of its data. */
export function dnsResource(name: Buffer, type: number, data: Buffer, size = data.length): Buffer {
  const middle = Buffer.alloc(10);
  middle.writeUInt16BE(type, 0);
  middle.writeUInt16BE(1, 2);
  middle.writeUInt32BE(60, 4);
  middle.writeUInt16BE(size, 8);
  return Buffer.concat([name, middle, data]);
}
