// The first bytes of an input -> what it is, when that is anything but UTF-8 text. The name of the file says nothing.

export interface UsableBeginning {
  readonly kind: "gzip" | "zstd" | "utf-8" | "utf-16le" | "utf-16be";
  /** Bytes of a byte-order mark. */
  readonly mark: number;
}

export type Beginning =
  | UsableBeginning
  /** What it is, in words that go on from "this is", and the command that makes something readable of it. */
  | { readonly kind: "refused"; readonly what: string; readonly unpack: string | null };

const UTF8: UsableBeginning = { kind: "utf-8", mark: 0 };

/** As many bytes as any answer needs. */
export const BEGINNING_BYTES = 8;

const KNOWN: readonly (readonly [bytes: readonly number[], beginning: Beginning])[] = [
  [[0x1f, 0x8b], { kind: "gzip", mark: 0 }],
  [[0x28, 0xb5, 0x2f, 0xfd], { kind: "zstd", mark: 0 }],
  // The byte-order mark of UTF-32 begins with the one of UTF-16.
  [[0xff, 0xfe, 0x00, 0x00], refused("text in UTF-32", "iconv -f UTF-32 -t UTF-8")],
  [[0x00, 0x00, 0xfe, 0xff], refused("text in UTF-32", "iconv -f UTF-32 -t UTF-8")],
  [[0xff, 0xfe], { kind: "utf-16le", mark: 2 }],
  [[0xfe, 0xff], { kind: "utf-16be", mark: 2 }],
  [[0xef, 0xbb, 0xbf], { kind: "utf-8", mark: 3 }],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], refused("packed with xz", "xz -dc")],
  [ascii("BZh"), refused("packed with bzip2", "bzip2 -dc")],
  [[0x04, 0x22, 0x4d, 0x18], refused("packed with lz4", "lz4 -dc")],
  [[0x50, 0x4b, 0x03, 0x04], refused("a zip archive", "unzip -p")],
  [[0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], refused("a 7z archive", "7z x -so")],
  [ascii("ElfFile\0"), refused("a Windows event log (EVTX); read it with Winlogbeat, and give what that writes", null)],
  [ascii("PAR1"), refused("a Parquet file, not lines of JSON", null)],
  [ascii("SQLite f"), refused("a SQLite database, not lines of JSON", null)],
  [[0x7f, 0x45, 0x4c, 0x46], refused("a program, not lines of JSON", null)],
];

/** Whether more bytes could change what `head` begins as. */
export function isUndecided(head: Buffer): boolean {
  if (head.length >= BEGINNING_BYTES) return false;
  if (
    KNOWN.some(
      ([bytes]) => bytes.length > head.length && bytes.every((byte, at) => at >= head.length || byte === head[at]),
    )
  )
    return true;
  // UTF-16 without a mark shows in four bytes.
  return head.length < 4 && (head.length < 2 || head[0] === 0 || head[1] === 0);
}

export function beginningOf(head: Buffer): Beginning {
  for (const [bytes, beginning] of KNOWN) {
    if (bytes.length <= head.length && bytes.every((byte, at) => byte === head[at])) return beginning;
  }
  // JSON begins with two ASCII characters, and no text holds a NUL.
  const [a = 0, b = 0, c = 0, d = 0] = head;
  if (head.length >= 4 && a !== 0 && b === 0 && c !== 0 && d === 0) return { kind: "utf-16le", mark: 0 };
  if (head.length >= 4 && a === 0 && b !== 0 && c === 0 && d !== 0) return { kind: "utf-16be", mark: 0 };
  return UTF8;
}

function refused(what: string, unpack: string | null): Beginning {
  return { kind: "refused", what, unpack };
}

function ascii(text: string): number[] {
  return [...Buffer.from(text, "latin1")];
}
