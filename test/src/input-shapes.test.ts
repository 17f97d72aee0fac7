// What people really have → lines of events: arrays, pretty-printed objects, exports and bulk requests of Elasticsearch, UTF-16,
// zstd; and what cannot be read is refused with what it is.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import * as zlib from "node:zlib";
import type { Chunk, OversizeLine, ReadOptions } from "@kestrel/runtime/read/lines";
import { countLines, InputError, readChunks } from "@kestrel/runtime/read/lines";
import { suite } from "uvu";
import * as assert from "uvu/assert";

interface Line {
  readonly line: number;
  readonly text: string;
}

interface Outcome {
  /** Without the blank ones. */
  readonly lines: readonly Line[];
  readonly oversize: readonly OversizeLine[];
  readonly error: InputError | null;
}

const folder = mkdtempSync(join(tmpdir(), "kestrel-shapes-"));
let written = 0;

function store(content: string | Uint8Array): string {
  written += 1;
  const path = join(folder, `input-${written}`);
  writeFileSync(path, content);
  return path;
}

async function readAll(path: string, options: ReadOptions = {}): Promise<Outcome> {
  const lines: Line[] = [];
  const oversize: OversizeLine[] = [];
  let error: InputError | null = null;
  try {
    for await (const chunk of readChunks([path], { ...options, onOversize: (line) => oversize.push(line) })) {
      assert.is(chunk.bytes.at(-1), 10, "a chunk ends on a line end");
      for (const [index, text] of chunk.bytes.toString("utf8").split("\n").entries()) {
        if (text.trim() !== "") lines.push({ line: chunk.firstLine + index, text });
      }
      chunk.lineCount = countLines(chunk.bytes);
    }
  } catch (thrown) {
    if (!(thrown instanceof InputError)) throw thrown;
    error = thrown;
  }
  return { lines, oversize, error };
}

async function valuesOf(content: string | Uint8Array, options: ReadOptions = {}): Promise<unknown[]> {
  const { lines, error } = await readAll(store(content), options);
  assert.is(error, null);
  return lines.map(({ text }) => JSON.parse(text) as unknown);
}

const EVENTS = [
  { "@timestamp": "2024-05-01T10:00:00Z", event: { category: ["process"] }, text: 'a "quoted" \\ [{]}, line\nfeed' },
  { nested: { deep: [1, [2, { a: null }], "]"] }, "": {}, é: "\u2028ü😀" },
  { hits: { hits: "no array" }, n: -1.5e3, t: true },
];

const shapes = suite("input shapes");

shapes.after(() => rmSync(folder, { recursive: true }));

shapes("reads an array, pretty-printed or not, and objects that are not one a line", async () => {
  const layouts = [
    JSON.stringify(EVENTS),
    JSON.stringify(EVENTS, null, 2),
    JSON.stringify(EVENTS, null, "\t").replaceAll("\n", "\r\n"),
    `\n\n[\n${EVENTS.map((event) => JSON.stringify(event)).join(",\n")}\n]\n`,
    EVENTS.map((event) => JSON.stringify(event, null, 4)).join("\n"),
    EVENTS.map((event) => JSON.stringify(event)).join(",\n"),
    EVENTS.map((event) => JSON.stringify(event)).join(""),
    `${JSON.stringify(EVENTS.slice(0, 1))}\n${JSON.stringify(EVENTS.slice(1))}`,
  ];
  for (const [index, text] of layouts.entries()) {
    for (const chunkBytes of [64, 100, 1 << 20]) {
      for (const content of [text, `\ufeff${text}`, zlib.gzipSync(text)]) {
        assert.equal(await valuesOf(content, { chunkBytes }), EVENTS, `layout ${index} at ${chunkBytes}`);
      }
    }
  }
  assert.equal(await valuesOf(JSON.stringify(EVENTS[0], null, 2)), EVENTS.slice(0, 1));
  for (const empty of ["[]", "[\n]\n", ""]) assert.equal(await valuesOf(empty), []);
});

shapes("numbers an element by the line on which it begins", async () => {
  const text = '[\n  {\n    "a": 1\n  },\n\n  {"b": [\n1]},   {"c": 1},\n{"d": 1}\n]';
  const { lines } = await readAll(store(text), { chunkBytes: 64 });
  const found = lines.map(({ line, text: event }) => [line, event.replaceAll(" ", "")]);
  assert.equal(found, [
    [2, '{"a":1}'],
    [6, '{"b":[1]}'],
    [7, '{"c":1}'],
    [8, '{"d":1}'],
  ]);
  const counted = await readAll(store(JSON.stringify([{}, {}, {}])));
  assert.equal(
    counted.lines.map(({ line }) => line),
    [1, 2, 3],
  );
});

shapes("gives the elements that JSON.parse gives, for any value, layout and cut of the bytes", async () => {
  let state = 12_345;
  const random = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  const STRINGS = ["", "hits", "_source", '"', "\\", '\\"', "a\nb", "[", "}", "{,]", "é😀", "\\u0022", " : "];
  const text = (): string => STRINGS[random(STRINGS.length)] ?? "";
  const value = (depth: number): unknown => {
    switch (random(depth > 3 ? 4 : 6)) {
      case 0:
        return text();
      case 1:
        return random(1000) / 8;
      case 2:
        return random(2) === 0;
      case 3:
        return null;
      case 4:
        return Array.from({ length: random(4) }, () => value(depth + 1));
      default:
        return object(depth + 1);
    }
  };
  const object = (depth: number): Record<string, unknown> =>
    Object.fromEntries(Array.from({ length: random(4) }, () => [`${text()}${random(3)}`, value(depth)]));
  for (let round = 0; round < 400; round++) {
    // The first element says what the file is; behind it anything may stand.
    const elements = [object(0), ...Array.from({ length: random(8) }, () => value(0))];
    const indent = [0, 1, 2, "\t"][random(4)];
    const source = Buffer.from(
      random(2) === 0
        ? JSON.stringify(elements, null, indent)
        : JSON.stringify(
            { took: 1, s: "hits", hits: { total: [1], hits: elements }, after: [{ hits: [1] }] },
            null,
            indent,
          ),
    );
    const pieces: Buffer[] = [];
    for (let at = 0; at < source.length; ) {
      const size = 1 + random(random(2) === 0 ? 3 : 60);
      pieces.push(source.subarray(at, at + size));
      at += size;
    }
    const found: string[] = [];
    const options = { stdin: Readable.from(pieces), chunkBytes: 64 + random(100) };
    for await (const { bytes } of readChunks(["-"], options)) found.push(bytes.toString("utf8"));
    const lines = found
      .join("")
      .split("\n")
      .filter((line) => line !== "");
    assert.equal(
      lines.map((line) => JSON.parse(line) as unknown),
      elements,
      source.toString("utf8"),
    );
  }
});

shapes("drops and reports an element that is too long, and goes on behind it", async () => {
  const elements = [{ a: 1 }, { long: "x".repeat(5000) }, { b: 2 }];
  const { lines, oversize } = await readAll(store(JSON.stringify(elements, null, 1)), {
    maxLineBytes: 100,
    chunkBytes: 64,
  });
  assert.equal(
    lines.map(({ line, text }) => [line, JSON.parse(text) as unknown]),
    [
      [2, { a: 1 }],
      [8, { b: 2 }],
    ],
  );
  assert.equal(
    oversize.map(({ line }) => line),
    [5],
  );
});

shapes("gives what stands in an array that is cut off, and says so", async () => {
  const text = JSON.stringify(EVENTS);
  for (const cut of [text.slice(0, -1), text.slice(0, -4), `${text.slice(0, -1)},`]) {
    const { lines, error } = await readAll(store(cut), { chunkBytes: 64 });
    assert.ok(lines.length >= EVENTS.length - 1, cut);
    assert.match(error?.message ?? "", "never closed");
  }
  assert.is((await readAll(store(text))).error, null);
});

shapes("reads exports, search responses and bulk requests of Elasticsearch", async () => {
  const hits = EVENTS.map((event, index) => ({
    _index: "logs",
    _id: String(index),
    ignored: { _source: 1, text: '"_source":{' },
    _source: event,
    sort: ["_source"],
  }));
  const response = {
    took: 3,
    timed_out: false,
    hits: { total: { value: 3 }, max_score: null, hits },
    aggregations: {},
  };
  const bulk = EVENTS.flatMap((event) => [{ create: { _index: "logs" } }, event]);
  const asLines = (values: readonly unknown[]): string => values.map((one) => `${JSON.stringify(one)}\n`).join("");
  const layouts = [
    asLines(hits),
    asLines(EVENTS.map((event) => ({ _source: event }))),
    JSON.stringify(hits),
    JSON.stringify(response),
    JSON.stringify(response, null, 2),
    asLines([response]),
    asLines([{ index: {} }, ...EVENTS.slice(0, 1), { delete: { _id: "7" } }, ...bulk.slice(2)]),
    asLines(bulk),
    `${asLines(bulk)}\n`,
    `${asLines(bulk).replaceAll("\n", "\r\n")}\r\n\r\n`,
  ];
  for (const [index, text] of layouts.entries()) {
    for (const chunkBytes of [64, 1 << 20]) {
      for (const reuse of [false, true]) {
        assert.equal(await valuesOf(text, { chunkBytes, reuse }), EVENTS, `layout ${index}`);
      }
    }
  }
  const { lines } = await readAll(store(asLines(bulk)), { chunkBytes: 64 });
  assert.equal(
    lines.map(({ line }) => line),
    [2, 4, 6],
  );
});

shapes("leaves lines of JSON as they are, broken ones too", async () => {
  const kept = [
    '{"a":1}\n[{"b":1}]\n{"_source":{}}\n\n{"index":{}}\n',
    '{"cut":{"a":1,\n{"a":2}\n',
    '{"cut":"a\n{"a":2}\n',
    '{"a":1}x\n{"a":2}\n',
    '{"index":{"name":"an event"}}\n{"a":2}\n',
    "[2024-05-01] no JSON\n{}\n",
    "[1,2]\n{}\n",
    '{"a":1}   \r\n{}\r\n',
    `{"a":"${"x".repeat(100_000)}"}\n{}\n`,
    `${" ".repeat(70_000)}\n{}\n`,
    '{"_source":"a text"}\n{"_source":{"a":1}}\n',
  ];
  for (const text of kept) {
    for (const chunkBytes of [64, 1 << 20]) {
      const parts: string[] = [];
      for await (const { bytes } of readChunks([store(text)], { chunkBytes })) parts.push(bytes.toString("utf8"));
      assert.is(parts.join(""), text);
    }
  }
});

shapes("hands on the first line of a pipe as soon as it is there", async () => {
  for (const first of ['{"a":1}\n', '[\n{"a":1}\n', '{"_source":{"a":1}}\n', '{"index":{}}\n{"a":1}\n']) {
    const input = new PassThrough();
    const chunks = readChunks(["-"], { stdin: input });
    input.write(first);
    const { bytes } = (await chunks.next()).value as Chunk;
    assert.is(bytes.toString("utf8").trim(), '{"a":1}');
    input.end();
    await chunks.return();
  }
});

shapes("reads UTF-16, of either order, with and without a mark", async () => {
  for (const text of [EVENTS.map((event) => `${JSON.stringify(event)}\n`).join(""), JSON.stringify(EVENTS, null, 1)]) {
    for (const mark of ["", "\ufeff"]) {
      const little = Buffer.from(mark + text, "utf16le");
      const big = Buffer.from(little).swap16();
      for (const bytes of [little, big, zlib.gzipSync(little)]) {
        for (const chunkBytes of [64, 1 << 20]) assert.equal(await valuesOf(bytes, { chunkBytes }), EVENTS);
        const pieces = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
        const parts: string[] = [];
        for await (const chunk of readChunks(["-"], { stdin: Readable.from(pieces) }))
          parts.push(chunk.bytes.toString());
        assert.equal(
          parts
            .join("")
            .split("\n")
            .filter((line) => line !== "")
            .map((line) => JSON.parse(line) as unknown),
          EVENTS,
        );
      }
    }
  }
});

shapes("reads zstd where Node can, all frames of it, and says what it needs where Node cannot", async () => {
  const text = Array.from({ length: 20_000 }, (_, n) => `{"n":${n},"s":"${(n * 7919) % 10_007}"}\n`).join("");
  const frames = [text.slice(0, 100), text.slice(100, 200_000), text.slice(200_000)];
  const path = store(Buffer.concat(frames.map((part) => execFileSync("zstd", ["-c"], { input: part }))));
  const { lines, error } = await readAll(path);
  if (!("createZstdDecompress" in zlib)) {
    assert.match(error?.message ?? "", `zstd -dc ${path} | kestrel-run DIR --replay -`);
    assert.match(error?.message ?? "", "needs Node 22.15");
    return;
  }
  assert.is(error, null);
  assert.is(lines.length, 20_000);
  const packed = execFileSync("zstd", ["-c"], { input: text });
  const cut = await readAll(store(packed.subarray(0, packed.length / 2)));
  assert.ok(cut.lines.length > 1000);
  assert.instance(cut.error, InputError);
});

shapes("refuses what it cannot read with what it is, before anything is read", async () => {
  const good = store("{}\n");
  const refused: readonly (readonly [content: string | Uint8Array, message: string])[] = [
    [
      Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4),
      "is packed with xz; give what is in it on standard input: xz -dc",
    ],
    ["BZh91AY&SY", "is packed with bzip2; give what is in it on standard input: bzip2 -dc"],
    ["PK\u0003\u0004\u0014\0\0\0", "is a zip archive"],
    ["ElfFile\0\0\0\0", "is a Windows event log (EVTX)"],
    [Uint8Array.of(0xff, 0xfe, 0, 0, 0x7b, 0, 0, 0), "is text in UTF-32"],
  ];
  for (const [content, message] of refused) {
    const path = store(content);
    let chunks = 0;
    const reading = (async () => {
      for await (const _ of readChunks([good, path])) chunks++;
    })();
    const error = await reading.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    assert.instance(error, InputError);
    assert.ok((error as InputError).message.startsWith(`${path} ${message}`), (error as InputError).message);
    assert.is(chunks, 0);
    const piped = await readAll("-", { stdin: Readable.from([Buffer.from(content)]), command: "eqlc query EQL -" });
    assert.ok(piped.error?.message.startsWith(`standard input ${message}`), piped.error?.message);
    const packed = await readAll(store(zlib.gzipSync(content)));
    assert.instance(packed.error, InputError);
  }
});

shapes.run();
