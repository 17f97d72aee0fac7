// A live run -> a file that repeats it: a header, then every byte that the run has judged, ticks and losses included.
//
//   {"kestrel":{"recording":1,"lateness_ns":…,"events":[…],"package":{…},"host":…}}
//
// A replay judges the file as the run judged the stream: in the same order of events and with the same lateness, told the same times
// by the ticks, and stopped at the end as the run was, so that what was not due then is not due now.

import type { createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { finished } from "node:stream/promises";
import type { Gzip } from "node:zlib";
import type { PackageManifest } from "@kestrel/stdlib/package-format";
import { hasEnd } from "../read/has-end.js";
import { type Chunk, readChunks } from "../read/lines.js";
import { loadZlib } from "../read/load-zlib.js";
import type { EventClass } from "./load-addon.js";
import { isHeader } from "./notes.js";

/** Under this name and its number in the recording an alert cites a line, live as in a replay; the header is line 1. */
export const LIVE_STREAM = "ebpf";
const RECORDING_VERSION = 1;

/** Packed bytes are handed on at least so often, so that a run that is killed leaves them. */
const FLUSH_MS = 1000;

export interface RecordingHeader {
  readonly latenessNs: bigint;
  /** What was collected. */
  readonly events: readonly EventClass[];
  readonly package: PackageManifest["package"];
  readonly host: string;
}

/** A recording that cannot be read or written. */
export class RecordingError extends Error {
  readonly code = "E_RECORDING";
  override readonly name = "RecordingError";
}

export interface Recorder {
  /** Takes whole lines, and waits until they are handed on. Throws {@link RecordingError}. */
  write(bytes: Uint8Array): Promise<void>;
  /** Throws {@link RecordingError}. */
  close(): Promise<void>;
}

export function headerLine(header: RecordingHeader): Buffer {
  const { name, version, digest } = header.package;
  const recording = {
    recording: RECORDING_VERSION,
    // Of more than a hundred days a number of JSON would lose digits.
    lateness_ns: String(header.latenessNs),
    events: header.events,
    package: { name, version, digest },
    host: header.host,
  };
  return Buffer.from(`${JSON.stringify({ kestrel: recording })}\n`);
}

/** The header of a recording. Throws {@link RecordingError} for one that this version cannot repeat. */
export function readHeader(line: Buffer, file: string): RecordingHeader {
  const broken = new RecordingError(`${file} begins like a recording of Kestrel, but its first line is damaged`);
  let found: unknown;
  try {
    found = (JSON.parse(line.toString("utf8")) as { readonly kestrel: unknown }).kestrel;
  } catch {
    throw broken;
  }
  const { recording, lateness_ns, events, package: pack, host } = found as Record<string, unknown>;
  if (recording !== RECORDING_VERSION) {
    throw new RecordingError(`${file} is a recording of version ${String(recording)}; this kestrel-run knows 1`);
  }
  if (typeof lateness_ns !== "string" || !/^\d{1,19}$/.test(lateness_ns)) throw broken;
  const { name, version, digest } = (pack ?? {}) as Record<string, unknown>;
  const isNamed = [name, version, digest].every((text) => typeof text === "string");
  if (!Array.isArray(events) || !isNamed) throw broken;
  return {
    latenessNs: BigInt(lateness_ns),
    events: events as EventClass[],
    package: pack as PackageManifest["package"],
    host: String(host),
  };
}

/**
 * The header of the file at `path`, plain or packed; null when it is no recording, or cannot be read, which reading it will say. Of a pipe nothing is
 * read, for it would be missing afterwards.
 */
export async function recordingAt(path: string): Promise<RecordingHeader | null> {
  if (!(await hasEnd(path))) return null;
  const chunks = readChunks([path], { chunkBytes: 4096 });
  let first: Chunk | undefined;
  try {
    first = (await chunks.next()).value ?? undefined;
    await chunks.return();
  } catch {
    return null;
  }
  if (first === undefined || !isHeader(first.bytes)) return null;
  return readHeader(first.bytes.subarray(0, first.bytes.indexOf("\n")), path);
}

/**
 * Begins a recording; one whose name ends in .gz is packed. A file that is there is not touched: it may be evidence. Throws
 * {@link RecordingError}.
 */
export async function createRecorder(path: string, header: RecordingHeader): Promise<Recorder> {
  const fail = (error: unknown): never => {
    const exists = error instanceof Error && "code" in error && error.code === "EEXIST";
    const reason = exists ? "it is there already, and recordings are not overwritten" : String(error);
    throw new RecordingError(`cannot record to ${path}: ${reason}`, { cause: error });
  };
  const handle = await open(path, "wx").catch(fail);
  const recorder = path.endsWith(".gz") ? packed(handle.createWriteStream()) : plain(handle);
  const told = (done: Promise<void>): Promise<void> => done.catch(fail);
  await told(recorder.write(headerLine(header)));
  return { write: (bytes) => told(recorder.write(bytes)), close: () => told(recorder.close()) };
}

function plain(handle: Awaited<ReturnType<typeof open>>): Recorder {
  return {
    write: (bytes) => handle.writeFile(bytes),
    close: () => handle.close(),
  };
}

function packed(file: ReturnType<typeof createWriteStream>): Recorder {
  const { constants, createGzip } = loadZlib();
  const gzip: Gzip = createGzip({ level: constants.Z_BEST_SPEED });
  let failure: Error | null = null;
  const note = (error: Error): void => {
    failure ??= error;
    gzip.destroy();
  };
  gzip.on("error", note);
  file.on("error", note);
  gzip.pipe(file);
  const timer = setInterval(() => gzip.flush(constants.Z_SYNC_FLUSH), FLUSH_MS);
  timer.unref();
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        if (failure !== null) return reject(failure);
        gzip.write(bytes, (error) => (error ? reject(failure ?? error) : resolve()));
      }),
    async close() {
      clearInterval(timer);
      gzip.end();
      await finished(file);
      if (failure !== null) throw failure;
    },
  };
}
