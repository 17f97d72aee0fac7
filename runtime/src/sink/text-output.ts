// Text -> standard output, or a file (alert-file.ts). It is gathered and written in large pieces, one at a time: no more is held than a piece
// and the text that filled it.

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
  /** The run has begun: what the output held before may go. Throws {@link SinkError}. */
  begin?(): Promise<void>;
  /** Takes a text, and waits when that fills a piece until the piece is written. Throws {@link SinkError}. */
  write(text: string): Promise<void>;
  /** Writes what was gathered, and waits until it is written. Throws {@link SinkError}. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Gathers pieces for `put`, which is called again only when it is done. */
export function inPieces(put: (text: string) => Promise<void>, close: () => Promise<void>): TextOutput {
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
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/, \w+( '.*')?$/s, "") : String(error);
}
