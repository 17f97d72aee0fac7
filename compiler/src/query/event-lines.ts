// Files, pipes and standard input -> chunks of lines that can be read twice: once for the schema, once for the query. What
// can only be read once is kept in memory for that, up to a cap.

import { stat } from "node:fs/promises";
import {
  type Chunk,
  InputError,
  type OversizeLine,
  type ReadOptions,
  readChunks,
  withUnread,
} from "@kestrel/runtime/read/lines";

/** What standard input and pipes may hold when they have to be read twice. */
export const KEPT_LIMIT = 256 * 1024 * 1024;

/** Of how many files the beginning is looked at. */
const MOST_SAMPLED = 32;

/** An input that must be kept is longer than what is kept. */
export class InputTooLargeError extends Error {
  readonly code = "E_INPUT_TOO_LARGE";
  constructor(path: string) {
    const megabytes = KEPT_LIMIT / (1024 * 1024);
    super(
      `${path === "-" ? "standard input" : path} holds more than ${megabytes} MiB, and it must be kept in memory to learn ` +
        "its fields; write it to a file, or name the fields with --schema",
    );
    this.name = "InputTooLargeError";
  }
}

export interface EventLines {
  /** Whole lines from the beginnings of the inputs, of all together about so many bytes; null where an input can be read once only. */
  sample(bytes: number): Promise<readonly Buffer[] | null>;
  /** The chunks of all inputs in order. A chunk's bytes are valid until the next one is asked for. */
  read(onOversize?: (line: OversizeLine) => void): AsyncGenerator<Chunk, void, void>;
}

type Kept = { readonly chunk: Chunk } | { readonly oversize: OversizeLine };

/** Which files may be passed over, and who is told of those that are, once for each reading; and the command that reads, where it is not a query. */
export type PassOver = Pick<ReadOptions, "skippable" | "onSkip" | "command">;

/**
 * `twice` says that the lines will be read more than once, each time to the end. Reading throws InputError for an input
 * that cannot be read, and {@link InputTooLargeError}.
 */
export function eventLines(paths: readonly string[], twice: boolean, passOver: PassOver = {}): EventLines {
  const shared = { command: "eqlc query EQL -", ...passOver, reuse: true };
  // Standard input can be read once: a second `-` is left out.
  const inputs = paths.filter((path, index) => path !== "-" || paths.indexOf("-") === index);
  const sample = async (bytes: number): Promise<readonly Buffer[] | null> => {
    for (const path of inputs) if (!(await canReadAgain(path))) return null;
    const chunks: Buffer[] = [];
    const sampled = inputs.slice(0, MOST_SAMPLED);
    const share = Math.ceil(bytes / sampled.length);
    for (const path of sampled) {
      let size = 0;
      for await (const chunk of readChunks([path], { ...passOver, reuse: true, chunkBytes: share })) {
        chunks.push(Buffer.from(chunk.bytes));
        size += chunk.bytes.length;
        if (size >= share) break;
      }
    }
    return chunks;
  };
  if (!twice) return { sample, read: (onOversize) => readChunks(inputs, { ...shared, ...oversizeOption(onOversize) }) };
  const kept = new Map<string, readonly Kept[]>();
  let size = 0;

  async function* readAndKeep(path: string, onOversize?: (line: OversizeLine) => void): AsyncGenerator<Chunk, void> {
    const items: Kept[] = [];
    const chunks = readChunks([path], {
      ...shared,
      onOversize(oversize) {
        items.push({ oversize });
        onOversize?.(oversize);
      },
    });
    for await (const chunk of chunks) {
      size += chunk.bytes.length;
      if (size > KEPT_LIMIT) throw new InputTooLargeError(path);
      // A copy, since the reader's buffer is larger than what a pipe fills of it.
      items.push({ chunk: { ...chunk, bytes: Buffer.from(chunk.bytes) } });
      yield chunk;
    }
    kept.set(path, items);
  }

  async function* readOne(path: string, onOversize?: (line: OversizeLine) => void): AsyncGenerator<Chunk, void> {
    const items = kept.get(path);
    if (items !== undefined) {
      for (const item of items) {
        if ("chunk" in item) yield item.chunk;
        else onOversize?.(item.oversize);
      }
    } else if (await canReadAgain(path)) {
      yield* readChunks([path], { ...shared, ...oversizeOption(onOversize) });
    } else {
      yield* readAndKeep(path, onOversize);
    }
  }

  return {
    sample,
    async *read(onOversize) {
      for (const [index, path] of inputs.entries()) {
        try {
          yield* readOne(path, onOversize);
        } catch (error) {
          throw error instanceof InputError ? withUnread(error, inputs.slice(index + 1)) : error;
        }
      }
    },
  };
}

/**
 * Whether `path` is no stream. A path that cannot be looked at counts as readable: reading it gives the proper error.
 */
async function canReadAgain(path: string): Promise<boolean> {
  if (path === "-") return false;
  const found = await stat(path).catch(() => null);
  return found === null || found.isFile() || found.isDirectory();
}

function oversizeOption(onOversize: ReadOptions["onOversize"]): Pick<ReadOptions, "onOversize"> {
  return onOversize === undefined ? {} : { onOversize };
}
