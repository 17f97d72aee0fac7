// Recordings of live runs, made by hand: notes are found, time passes by ticks, and a replay ends as the run did.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { liveChunks } from "@kestrel/runtime/ebpf/live-chunks";
import type { EbpfCollector } from "@kestrel/runtime/ebpf/load-addon";
import { type Loss, piecesOf } from "@kestrel/runtime/ebpf/notes";
import { createRecorder, headerLine, RecordingError, readHeader, recordingAt } from "@kestrel/runtime/ebpf/recording";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildPack, KESTREL_RUN } from "./support/live-run.js";

const recording = suite("recordings");
const folder = mkdtempSync(join(tmpdir(), "kestrel-recording-"));
recording.after(() => rmSync(folder, { recursive: true }));

const HEADER = {
  latenessNs: 100_000_000n,
  events: ["exec", "fork", "exit"] as const,
  package: { name: "test", version: "1", digest: "00" },
  host: "host",
};

/** A line of the stream, `ms` after its begin. */
const time = (ms: number): string => new Date(Date.UTC(2026, 0, 1) + ms).toISOString();
const tick = (ms: number): string => `{"kestrel":{"tick":true},"@timestamp":"${time(ms)}"}\n`;
const start = (ms: number, name: string): string =>
  `{"@timestamp":"${time(ms)}","event":{"category":["process"],"type":["start"]},"process":{"name":"${name}"}}\n`;
const loss = (dropped: number): string =>
  `{"kestrel":{"loss":{"class":"exec","cpu":1,"dropped":${dropped}}},"@timestamp":"${time(0)}","event":{"kind":"pipeline_error"}}\n`;

function pieces(text: string): { found: string[]; losses: Loss[] } {
  const losses: Loss[] = [];
  const found = [...piecesOf(Buffer.from(text), (one) => losses.push(one))];
  return { found: found.map(({ kind, bytes }) => `${kind} ${bytes.toString()}`), losses };
}

recording("notes are told from events, and together the pieces are the chunk", () => {
  const header = headerLine(HEADER).toString();
  const text = header + tick(1) + start(2, "a") + start(3, "b") + tick(4) + loss(7) + start(5, "c") + tick(6);
  const { found, losses } = pieces(text);
  assert.equal(found, [
    `header ${header}`,
    `tick ${tick(1)}`,
    `events ${start(2, "a")}${start(3, "b")}`,
    `tick ${tick(4)}`,
    `events ${loss(7)}${start(5, "c")}`,
    `tick ${tick(6)}`,
  ]);
  assert.equal(losses, [{ class: "exec", cpu: 1, dropped: 7 }]);
  assert.equal(pieces("").found, []);
});

recording("a text that looks like a note is none", () => {
  const line = `{"@timestamp":"${time(0)}","process":{"name":${JSON.stringify('x\n{"kestrel":{"tick":true}}')}}}\n`;
  assert.equal(pieces(line).found, [`events ${line}`]);
  const odd = '{"kestrel":{"loss":{"class":"exec","dropped":-5}}}\n{"kestrel":{"loss":{"class":"none","dropped":5}}}\n';
  assert.equal(pieces(odd), { found: [`events ${odd}`], losses: [] });
  const lie = '{"kestrel":{"loss":{"class":"exec","dropped":"many"}}}\n';
  assert.equal(pieces(lie), { found: [`events ${lie}`], losses: [] });
});

recording("a recorder writes what it is given, packed or not, and never over a file", async () => {
  for (const name of ["plain.ndjson", "packed.ndjson.gz"]) {
    const path = join(folder, name);
    const recorder = await createRecorder(path, HEADER);
    await recorder.write(Buffer.from(start(1, "a")));
    await recorder.write(Buffer.from(tick(2)));
    await recorder.close();
    const bytes = readFileSync(path);
    const text = (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
    assert.is(text, headerLine(HEADER) + start(1, "a") + tick(2));
    assert.equal(await recordingAt(path), HEADER);
    let error: unknown;
    await createRecorder(path, HEADER).catch((reason: unknown) => (error = reason));
    assert.ok(error instanceof RecordingError && /not overwritten/.test(error.message));
  }
});

recording("a damaged header, and one of a later version, are refused", () => {
  const messageOf = (line: string): string => {
    try {
      readHeader(Buffer.from(line), "f");
      return "";
    } catch (error) {
      return error instanceof RecordingError ? error.message : `not a RecordingError: ${error}`;
    }
  };
  assert.match(messageOf('{"kestrel":{"recording":1,'), /damaged/);
  assert.match(messageOf('{"kestrel":{"recording":1}}'), /damaged/);
  const long = { ...HEADER, latenessNs: 36_500n * 86_400_000_000_000n };
  assert.equal(readHeader(headerLine(long), "f"), long);
  assert.match(messageOf('{"kestrel":{"recording":1,"lateness_ns":"-1","events":[],"package":{}}}'), /damaged/);
  assert.match(messageOf('{"kestrel":{"recording":2,"lateness_ns":"1","events":[],"package":{}}}'), /version 2/);
});

interface Replayed {
  readonly code: number | null;
  readonly rules: readonly string[];
  readonly stdout: string;
  readonly stderr: string;
}

function replay(pack: string, name: string, flags: readonly string[] = []): Replayed {
  const { status, stdout, stderr } = spawnSync(process.execPath, [KESTREL_RUN, pack, "--replay", name, ...flags], {
    encoding: "utf8",
  });
  const rules = stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { rule: { id: string } }).rule.id);
  return { code: status, rules, stdout, stderr };
}

recording("time passes by ticks, and what is not due at the end is not judged", () => {
  const pack = buildPack(folder, {
    alone: 'sequence with maxspan=1s [process where process.name == "a"] ![process where process.name == "b"]',
    tool: 'process where process.name == "b"',
    all: "any where true",
  });
  const ticks = (from: number, to: number): string => {
    let text = "";
    for (let ms = from; ms <= to; ms += 100) text += tick(ms);
    return text;
  };
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, name.endsWith(".gz") ? gzipSync(text) : text);
    return path;
  };
  const header = headerLine(HEADER).toString();
  // `a`, then nothing for longer than the maxspan and the lateness: the absence is certain while the stream goes on.
  const silent = header + ticks(0, 300) + start(301, "a") + ticks(400, 1500);
  const due = replay(pack, write("due.ndjson", silent));
  assert.equal(due.rules, ["all", "alone"]);
  assert.match(
    due.stderr,
    /^note: .*due\.ndjson was recorded with another package, test 1 \(00\); it has no credential, .*, for which this one asks\n1 event, 2 alerts/,
  );
  // Cited is the line of the recording, under the name of the live stream.
  assert.match(due.stdout, /"file":"ebpf","line":6,/);
  assert.is(replay(pack, write("due.ndjson.gz", silent)).stdout, due.stdout);
  assert.is(replay(pack, join(folder, "due.ndjson"), ["--batch", "64"]).stdout, due.stdout);
  // The run was stopped before.
  const early = header + ticks(0, 300) + start(301, "a") + ticks(400, 1200);
  assert.equal(replay(pack, write("early.ndjson", early)).rules, ["all"]);
  // The same file as a history that has ended, as --sort takes it.
  assert.equal(replay(pack, join(folder, "early.ndjson"), ["--sort"]).rules, ["all", "alone"]);
  // What comes in time speaks against it.
  const answered = header + start(301, "a") + ticks(400, 900) + start(950, "b") + ticks(1000, 2500);
  assert.equal([...replay(pack, write("answered.ndjson", answered)).rules].sort(), ["all", "all", "tool"]);
});

recording("a recording of nothing is none that cannot be used", () => {
  const path = join(folder, "quiet.ndjson");
  writeFileSync(path, headerLine(HEADER) + tick(1) + tick(2));
  const { code, rules, stderr } = replay(join(folder, "pack"), path);
  assert.equal([code, rules], [0, []]);
  assert.match(stderr, /0 events, 0 alerts/);
});

recording("a recording on standard input is refused, since nobody knows there how to judge it", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [KESTREL_RUN, join(folder, "pack"), "--replay", "-"], {
    encoding: "utf8",
    input: readFileSync(join(folder, "due.ndjson")),
  });
  assert.equal([status, stdout], [2, ""]);
  assert.match(stderr, /error\[E_INPUT_UNUSABLE\]: standard input is the recording of a live run/);
});

recording("the end of a collector is heard while its reader is at work", async () => {
  let tell: (chunk: Uint8Array | null) => void = () => undefined;
  const collector = {
    start(onChunk: typeof tell) {
      tell = onChunk;
    },
    want: () => setImmediate(() => tell(Buffer.from("{}\n"))),
    stop: () => setImmediate(() => tell(null)),
  };
  let chunks = 0;
  for await (const _ of liveChunks(collector as unknown as EbpfCollector)) {
    chunks++;
    collector.stop();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.is(chunks, 1);
});

recording("losses stand in the summary, and are told of", () => {
  const pack = join(folder, "pack");
  const path = join(folder, "lossy.ndjson");
  writeFileSync(path, headerLine(HEADER) + start(1, "c") + loss(7) + loss(1) + start(2, "c"));
  const { stderr } = replay(pack, path);
  assert.match(stderr, /^warning: 7 events were lost \(exec 7\).*warning: 1 event was lost \(exec 1\)/ms);
  assert.match(stderr, /4 events, 4 alerts from 1 rule, 8 events lost \(exec 8\)/);
  const { stderr: json } = replay(pack, path, ["--summary", "json"]);
  const last = json.trim().split("\n").at(-1) ?? "";
  assert.equal((JSON.parse(last) as { lost: unknown }).lost, { exec: 8 });
});

recording("a recording among other files is sorted with them, and says so", () => {
  const pack = join(folder, "pack");
  const other = join(folder, "other.ndjson");
  writeFileSync(other, start(700, "b"));
  const { rules, stderr } = replay(pack, join(folder, "due.ndjson"), [other]);
  assert.equal([...rules].sort(), ["all", "all", "tool"]);
  assert.match(stderr, /are read as ordinary files/);
});

recording.run();
