// Text -> standard output or a file. It is gathered and written in large pieces, one at a time: no more is held than a piece
// and the text that filled it.

import { type FileHandle, open } from "node:fs/promises";

/** Text of this many characters is written at once. */
export const PIECE = 1 << 16;

/** Text that cannot be written. */
export class SinkError extends Error {
  readonly code = "E_ALERTS_WRITE";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SinkError";
  }
}

export interface TextOutput {
  /** Takes a text, and waits when that fills a piece until the piece is written. Throws {@link SinkError}. */
  write(text: string): Promise<void>;
  /** Writes what was gathered, and waits until it is written. Throws {@link SinkError}. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Gathers pieces for `put`, which is called again only when it is done. */
function inPieces(put: (text: string) => Promise<void>, close: () => Promise<void>): TextOutput {
  let gathered = "";
  const flush = async (): Promise<void> => {
    const text = gathered;
    gathered = "";
    if (text !== "") await put(text);
  };
  return {
    async write(text) {
      gathered += text;
      if (gathered.length >= PIECE) await flush();
    },
    flush,
    close,
  };
}

/** Replaces the file at `path`. Throws {@link SinkError} when it cannot be written, now or later. */
export async function fileOutput(path: string): Promise<TextOutput> {
  const fail = (error: unknown): never => {
    throw new SinkError(`cannot write alerts to ${path}: ${reasonOf(error)}`, { cause: error });
  };
  const file: FileHandle = await open(path, "w").catch(fail);
  return inPieces(
    async (text) => {
      await file.writeFile(text).catch(fail);
    },
    () => file.close().catch(fail),
  );
}

/** Standard output, or another stream; `onClosed` is told once when nobody reads it any more. */
export function streamOutput(stream: NodeJS.WritableStream, onClosed: () => void): TextOutput {
  let gone = false;
  let problem: SinkError | null = null;
  const onError = (error: Error): void => {
    if (gone) return;
    gone = true;
    const isClosed = "code" in error && error.code === "EPIPE";
    if (isClosed) onClosed();
    else problem = new SinkError(`cannot write to standard output: ${reasonOf(error)}`, { cause: error });
  };
  // The listener stays: an error event that nobody listens to would be thrown, however late it comes.
  stream.on("error", onError);
  const put = async (text: string): Promise<void> => {
    if (gone) return;
    await new Promise<void>((resolve) => {
      stream.write(text, (error) => {
        if (error) onError(error);
        resolve();
      });
    });
  };
  const pieces = inPieces(put, async () => undefined);
  const thenThrow = async (written: Promise<void>): Promise<void> => {
    await written;
    if (problem !== null) throw problem;
  };
  return {
    ...pieces,
    write: (text) => thenThrow(pieces.write(text)),
    flush: () => thenThrow(pieces.flush()),
  };
}

/** The message of a failed system call, without the call and the path that Node puts behind it. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/, \w+( '.*')?$/s, "") : String(error);
}
