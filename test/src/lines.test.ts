// readChunks: whatever the chunk size and the packing, the lines that come out are the lines that went in.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { constants, gzipSync, inflateRawSync } from "node:zlib";
import type { Chunk, OversizeLine, ReadOptions } from "@kestrel/runtime/read/lines";
import { countLines, InputError, readChunks } from "@kestrel/runtime/read/lines";
import { suite } from "uvu";
import * as assert from "uvu/assert";

interface Outcome {
  readonly text: string;
  readonly chunks: number;
  readonly oversize: readonly OversizeLine[];
  readonly error: InputError | null;
}

const folder = mkdtempSync(join(tmpdir(), "kestrel-lines-"));
let written = 0;

function store(content: string | Uint8Array): string {
  written += 1;
  const path = join(folder, `input-${written}`);
  writeFileSync(path, content);
  return path;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function pack(content: string): Uint8Array {
  return Uint8Array.from(gzipSync(content));
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Reads to the end, checking on the way what holds for every chunk. */
async function readAll(paths: readonly string[], options: ReadOptions = {}): Promise<Outcome> {
  const oversize: OversizeLine[] = [];
  let text = "";
  let chunks = 0;
  let error: InputError | null = null;
  let file: string | null = null;
  let expected = 1;
  try {
    for await (const chunk of readChunks(paths, { ...options, onOversize: (line) => oversize.push(line) })) {
      assert.is(chunk.bytes.at(-1), 10, "a chunk ends on a line end");
      if (chunk.file !== file) expected = 1;
      file = chunk.file;
      const skipped = oversize.filter((line) => line.file === file && line.line < chunk.firstLine).length;
      assert.is(chunk.firstLine, expected + skipped);
      expected += countLines(chunk.bytes);
      if (chunks % 2 === 0) chunk.lineCount = countLines(chunk.bytes);
      text += chunk.bytes.toString("utf8");
      chunks += 1;
    }
  } catch (thrown) {
    if (!(thrown instanceof InputError)) throw thrown;
    error = thrown;
  }
  return { text, chunks, oversize, error };
}

function makeLines(count: number, width: number): string {
  return Array.from({ length: count }, (_, index) => `{"n":${index},"s":"${"é".repeat((index * 7) % width)}"}\n`).join(
    "",
  );
}

const lines = suite("lines");

lines.after(() => rmSync(folder, { recursive: true }));

lines("gives back every line at any chunk size, plain and packed, in fresh and in reused buffers", async () => {
  const text = makeLines(3000, 60);
  const middle = text.indexOf("\n", 50_000) + 1;
  const members = concat(pack(text.slice(0, middle)), pack(text.slice(middle)), new Uint8Array(37));
  const inputs = [store(text), store(pack(text)), store(members)];
  for (const chunkBytes of [64, 100, 1000, 65_536, 1 << 20]) {
    for (const reuse of [false, true]) {
      for (const input of inputs) {
        const outcome = await readAll([input], { chunkBytes, reuse });
        assert.is(outcome.error, null);
        assert.ok(outcome.text === text, `chunk size ${chunkBytes}`);
        if (chunkBytes < 65_536) assert.ok(outcome.chunks > 10);
      }
    }
  }
});

lines("ends the last line, strips a byte-order mark, and leaves CRLF and empty lines alone", async () => {
  const marked = encode("\ufeffa\r\n\r\n\nb");
  for (const input of [store(marked), store(pack("\ufeffa\r\n\r\n\nb"))]) {
    const outcome = await readAll([input], { chunkBytes: 64 });
    assert.is(outcome.text, "a\r\n\r\n\nb\n");
  }
  for (const empty of ["", "\ufeff"]) assert.is((await readAll([store(empty)])).chunks, 0);
  assert.is((await readAll([store("x")])).text, "x\n");
  assert.is((await readAll([store(pack(""))])).chunks, 0);
});

lines("numbers the lines of each file from 1", async () => {
  const [first, second] = [store("a\nb"), store("c\n")];
  const seen: [string, number][] = [];
  for await (const chunk of readChunks([first, second, first])) seen.push([chunk.file, chunk.firstLine]);
  assert.equal(seen, [
    [first, 1],
    [first, 2],
    [second, 1],
    [first, 1],
    [first, 2],
  ]);
});

lines("drops and reports lines that are too long, wherever they stand", async () => {
  const long = (length: number): string => "x".repeat(length);
  const text = `${long(101)}\nkept 2\n${long(100)}\n${long(5000)}\nkept 5\n${long(102)}\n${long(103)}\nkept 8\n${long(9000)}`;
  const expected = [
    { line: 1, bytes: 101 },
    { line: 4, bytes: 5000 },
    { line: 6, bytes: 102 },
    { line: 7, bytes: 103 },
    { line: 9, bytes: 9000 },
  ];
  for (const input of [store(text), store(pack(text))]) {
    for (const chunkBytes of [64, 128, 1000, 1 << 20]) {
      const outcome = await readAll([input], { chunkBytes, maxLineBytes: 100 });
      assert.is(outcome.text, `kept 2\n${long(100)}\nkept 5\nkept 8\n`);
      assert.equal(
        outcome.oversize,
        expected.map((line) => ({ file: input, ...line })),
      );
    }
  }
  // Longer than the buffer, but not too long.
  assert.is((await readAll([store(`${long(5000)}\n`)], { chunkBytes: 64, maxLineBytes: 5000 })).text.length, 5001);
});

lines("gives what could be read of a cut or damaged gzip file, then fails", async () => {
  const text = makeLines(20_000, 40);
  const packed = pack(text);
  const cut = await readAll([store(packed.subarray(0, packed.length - 9))]);
  assert.is(cut.error?.code, "E_INPUT_READ");
  assert.match(cut.error?.message ?? "", /unexpected end of file/);
  assert.ok(cut.text.length > text.length - 200 && text.startsWith(cut.text), `${cut.text.length} of ${text.length}`);

  const half = await readAll([store(packed.subarray(0, packed.length / 2))]);
  assert.ok(half.text.length > text.length / 3 && text.startsWith(half.text));
  assert.match(half.error?.message ?? "", /breaks off and its \d+ bytes were left out/);

  const damaged = Uint8Array.from(packed);
  damaged.fill(0xff, packed.length - 30_000, packed.length - 29_000);
  const bad = await readAll([store(damaged)]);
  assert.instance(bad.error, InputError);
  assert.ok(bad.text.length > 0, "what stands before the damage is given");

  const garbage = await readAll([store(concat(pack(text), encode("garbage")))]);
  assert.ok(text.startsWith(garbage.text) && garbage.text.length > text.length / 2);
  assert.match(garbage.error?.message ?? "", /incorrect header check/);
  assert.instance((await readAll([store(Uint8Array.of(0x1f, 0x8b))])).error, InputError);
});

/** Lines that do not pack well, so that a damage stands in the middle of much that could still be read. */
function makeNoise(count: number): string {
  let state = 7;
  return Array.from({ length: count }, (_, index) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return `{"n":${index},"s":"${state.toString(36)}"}\n`;
  }).join("");
}

/** The whole lines that the first `end` bytes of a gzip file without a name hold. */
function wholeLines(packed: Uint8Array, end: number): string {
  const text = inflateRawSync(packed.subarray(10, end), { finishFlush: constants.Z_SYNC_FLUSH }).toString();
  return text.slice(0, text.lastIndexOf("\n") + 1);
}

lines("gives every line that stands whole before the end of a cut gzip file, or before its damage", async () => {
  const text = makeNoise(20_000);
  const packed = pack(text);
  for (let part = 1; part < 24; part++) {
    const at = Math.floor((packed.length * part) / 24);
    const cut = await readAll([store(packed.subarray(0, at))]);
    assert.ok(cut.text === wholeLines(packed, at), `cut at ${at}`);
    assert.instance(cut.error, InputError);

    const damaged = packed.slice();
    damaged.fill(0xff, at, at + 3000);
    for (const chunkBytes of [100, 1 << 20]) {
      const bad = await readAll([store(damaged)], { chunkBytes });
      assert.instance(bad.error, InputError);
      assert.ok(bad.text.startsWith(wholeLines(packed, at)), `damaged at ${at}: ${bad.text.length}`);
    }
  }
  const wrongSum = packed.slice();
  wrongSum.fill(0, packed.length - 8);
  const all = await readAll([store(wrongSum)]);
  assert.ok(all.text === text);
  assert.match(all.error?.message ?? "", /incorrect data check/);
});

lines("names the inputs that were not read because one before them failed", async () => {
  const packed = pack(makeLines(100, 40));
  const [first, bad, second, third] = [store("a\n"), store(packed.subarray(0, 50)), store("b\n"), store("c\n")];
  const outcome = await readAll([first, bad, second, third]);
  assert.is(outcome.error?.file, bad);
  assert.ok(outcome.error?.message.endsWith(`; not read because of this: ${second}, ${third}`), outcome.error?.message);
  assert.not.ok((await readAll([first, bad])).error?.message.includes("not read because"));
});

lines("refuses a missing path or a folder before the first chunk", async () => {
  const good = store("a\n");
  for (const bad of [join(folder, "absent"), folder]) {
    const outcome = await readAll([good, bad]);
    assert.is(outcome.chunks, 0);
    assert.is(outcome.error?.file, bad);
    assert.ok(outcome.error?.message.includes(bad));
  }
});

lines("hands on whole lines of standard input at once, packed or not", async () => {
  const input = new PassThrough();
  const chunks = readChunks(["-"], { stdin: input });
  input.write("one\ntw");
  const first = (await chunks.next()).value as Chunk;
  assert.is(first.bytes.toString(), "one\n");
  input.end("o\nthree");
  const rest: string[] = [];
  for await (const chunk of chunks) rest.push(`${chunk.file}:${chunk.firstLine}:${chunk.bytes.toString()}`);
  assert.is(rest.join(""), "-:2:two\n-:3:three\n");

  const text = makeLines(5000, 50);
  const packed = pack(text);
  const pieces = Array.from({ length: Math.ceil(packed.length / 7) }, (_, at) => packed.subarray(at * 7, at * 7 + 7));
  assert.ok((await readAll(["-"], { stdin: Readable.from(pieces) })).text === text);
  assert.ok((await readAll(["-"], { stdin: Readable.from([Buffer.from(text)]), chunkBytes: 512 })).text === text);
});

lines("reports a stream that fails, after what had arrived", async () => {
  const input = new PassThrough();
  input.write("a\nb");
  const reading = readAll(["-"], { stdin: input });
  setTimeout(() => input.destroy(new Error("the pipe broke")), 20);
  const outcome = await reading;
  assert.is(outcome.text, "a\n");
  assert.is(
    outcome.error?.message,
    "cannot read standard input: the pipe broke; line 2 breaks off and its 1 bytes were left out",
  );
});

lines("lets go of its input when the caller stops early", async () => {
  const text = makeLines(50_000, 40);
  for (const input of [store(text), store(pack(text))]) {
    for await (const chunk of readChunks([input], { chunkBytes: 4096 })) {
      assert.is(chunk.firstLine, 1);
      break;
    }
  }
  const silent = new PassThrough();
  silent.write("a\n");
  for await (const chunk of readChunks(["-"], { stdin: silent })) {
    assert.is(chunk.bytes.toString(), "a\n");
    break;
  }
  assert.is(silent.listenerCount("data"), 0);
});

lines.run();
