// Text and bytes -> standard output, in large pieces. A reader that goes away is no error.

import { wantsColor } from "@kestrel/runtime/alert/terminal";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { renderText } from "../diagnostics/render.js";
import { reasonOf } from "../sources/walk-files.js";
import { OutputError } from "./failures.js";

const PIECE = 1 << 18;

let gone = false;
// The listener stays: an error event that nobody listens to would be thrown, however late it comes.
process.stdout.on("error", () => {
  gone = true;
});
process.stderr.on("error", () => undefined);

/** Writes the parts one after the other, and waits until they are on their way. Throws OutputError. */
export async function print(parts: Iterable<string | Uint8Array>): Promise<void> {
  let pieces: Buffer[] = [];
  let size = 0;
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part) : Buffer.from(part.buffer, part.byteOffset, part.length);
    pieces.push(bytes);
    size += bytes.length;
    if (size < PIECE) continue;
    await put(Buffer.concat(pieces));
    pieces = [];
    size = 0;
  }
  if (size > 0) await put(Buffer.concat(pieces));
}

async function put(bytes: Buffer): Promise<void> {
  if (gone) return;
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(bytes, (error) => {
      const isClosed = error instanceof Error && "code" in error && error.code === "EPIPE";
      if (error && !isClosed) {
        reject(new OutputError(`cannot write to standard output: ${reasonOf(error)}`, { cause: error }));
      } else resolve();
    });
  });
}

/** Diagnostics as a person reads them, coloured when `stream` is a terminal. */
export function diagnosticsText(diagnostics: readonly Diagnostic[], stream: { readonly isTTY?: boolean }): string {
  return renderText(diagnostics, { color: wantsColor(stream, process.env) });
}

/** A line on standard error. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
