// Text cases for the decoder: test/cases/decoder/*.txt -> lines of NDJSON and what becomes of them.
//
//   line: {"x": "⟨ff⟩"}                 a line; ⟨…⟩ is bytes in hexadecimal,
//   line: {"x": ⟨65×[⟩}                 or a text, here `[`, that many times
//   reads: x "\ufffd" | process.pid 1 2 the fields that have values, see read-slots.ts for how these are written
//   reads: x 3 values                   the same, only counted
//   leniently: x 1                      the same for a line that is not JSON, in a place that no rule reads
//   reads: nothing                      an event without any of the fields
//   reads: broken syntax                or broken: syntax, not-object, depth, size
//   reads: blank
//
// After the fields, `| malformed 2` counts values that their fields could not take, and `| replaced 1` strings with invalid
// UTF-8; both are 0 otherwise.

import { type CaseKind, checksOf, type OpenCases, type Section } from "./text-cases.js";

export const DECODER: CaseKind = { inputs: ["line"], expectations: ["reads", "leniently"] };

export interface DecoderCase {
  readonly title: string;
  readonly bytes: Buffer;
  /** The decoder may take what JSON does not allow. */
  readonly lenient: boolean;
  readonly expected: Section;
}

/** Throws, with the line, for a line without a result. */
export function decoderCases({ cases }: OpenCases): DecoderCase[] {
  return cases.flatMap((one) =>
    checksOf(one, ["line"]).checks.map(({ input, rest: [expected] }) => {
      if (expected === undefined) throw new Error(`Line ${input.line} has no result`);
      return { title: one.title, bytes: lineBytes(input.text), lenient: expected.name === "leniently", expected };
    }),
  );
}

function lineBytes(line: string): Buffer {
  const parts = line.split(/⟨([^⟩]*)⟩/).map((part, index) => {
    if (index % 2 === 0) return Buffer.from(part);
    const [, times, text = ""] = /^([0-9]+)×(.*)$/.exec(part) ?? [];
    return times === undefined ? Buffer.from(part.replaceAll(" ", ""), "hex") : Buffer.from(text.repeat(Number(times)));
  });
  return Buffer.concat(parts);
}
