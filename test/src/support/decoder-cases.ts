// Text cases for the decoder: test/cases/decoder/*.txt -> lines of NDJSON and what becomes of them.
//
//   // a comment
//   # a title
//   {"x": "⟨ff⟩"}                      a line; ⟨…⟩ is bytes in hexadecimal,
//   {"x": ⟨65×[⟩}                      or a text, here `[`, that many times
//   = x "\ufffd" | process.pid 1 2     the fields that have values, see read-slots.ts for how these are written
//   = x 3 values                       the same, only counted
//   ~ x 1                              the same for a line that is not JSON, in a place that no rule reads
//   = nothing                          an event without any of the fields
//   = broken syntax                    or broken: syntax, not-object, depth, size
//   = blank
//
// After the fields, `| malformed 2` counts values that their fields could not take, and `| replaced 1` strings with invalid
// UTF-8; both are 0 otherwise.

export interface DecoderCase {
  readonly title: string;
  readonly line: number;
  readonly bytes: Buffer;
  /** The decoder may take what JSON does not allow. */
  readonly lenient: boolean;
  readonly expected: string;
}

/** Throws, with the line, on a line that belongs to nothing. */
export function readDecoderCases(source: string): DecoderCase[] {
  const cases: DecoderCase[] = [];
  let title = "";
  let bytes: Buffer | null = null;
  for (const [index, line] of source.split("\n").entries()) {
    if (line === "" || line.startsWith("//")) continue;
    if (line.startsWith("# ")) title = line.slice(2);
    else if (bytes === null) bytes = lineBytes(line);
    else if (/^[=~] /.test(line)) {
      cases.push({ title, line: index + 1, bytes, lenient: line.startsWith("~"), expected: line.slice(2) });
      bytes = null;
    } else throw new Error(`Line ${index + 1} belongs to nothing`);
  }
  if (bytes !== null) throw new Error("The last line has no result");
  return cases;
}

function lineBytes(line: string): Buffer {
  const parts = line.split(/⟨([^⟩]*)⟩/).map((part, index) => {
    if (index % 2 === 0) return Buffer.from(part);
    const [, times, text = ""] = /^([0-9]+)×(.*)$/.exec(part) ?? [];
    return times === undefined ? Buffer.from(part.replaceAll(" ", ""), "hex") : Buffer.from(text.repeat(Number(times)));
  });
  return Buffer.concat(parts);
}
