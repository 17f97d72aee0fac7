// Where alerts go: standard output or a file. Text is gathered and written in large pieces.

import { closeSync, openSync, writeSync } from "node:fs";
import { CliError, reasonOf } from "./failures.js";

/** Text of this many characters is written at once. */
const PIECE = 1 << 16;

export interface Sink {
  write(text: string): void;
  /** Writes what was gathered, and waits until the other side has room again. */
  flush(): Promise<void>;
  close(): void;
}

/** Replaces the file at `path`. Throws CliError when it cannot be written, now or later. */
export function fileSink(path: string): Sink {
  const fail = (error: unknown): never => {
    throw new CliError("E_ALERTS_WRITE", `cannot write alerts to ${path}: ${reasonOf(error)}`, { cause: error });
  };
  let gathered = "";
  let file: number;
  try {
    file = openSync(path, "w");
  } catch (error) {
    return fail(error);
  }
  const put = (): void => {
    const bytes = Buffer.from(gathered);
    gathered = "";
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    } catch (error) {
      fail(error);
    }
  };
  return {
    write(text) {
      gathered += text;
      if (gathered.length >= PIECE) put();
    },
    async flush() {
      if (gathered !== "") put();
    },
    close() {
      closeSync(file);
    },
  };
}

/** Standard output, or another stream; `onClosed` is told once when nobody reads it any more. */
export function streamSink(stream: NodeJS.WritableStream, onClosed: () => void): Sink {
  let gathered = "";
  let gone = false;
  let problem: CliError | null = null;
  const onError = (error: Error): void => {
    if (gone) return;
    gone = true;
    const isClosed = "code" in error && error.code === "EPIPE";
    if (!isClosed) problem = new CliError("E_ALERTS_WRITE", `cannot write to standard output: ${reasonOf(error)}`);
    onClosed();
  };
  // It stays: an error that comes late must not be thrown.
  stream.on("error", onError);
  const take = (): string => {
    const text = gathered;
    gathered = "";
    return text;
  };
  return {
    write(text) {
      gathered += text;
      if (gathered.length >= PIECE && !gone) stream.write(take());
    },
    async flush() {
      const text = take();
      if (text !== "" && !gone) {
        await new Promise<void>((resolve) => {
          stream.write(text, (error) => {
            if (error) onError(error);
            resolve();
          });
        });
      }
      if (problem !== null) throw problem;
    },
    close() {
      gathered = "";
    },
  };
}
