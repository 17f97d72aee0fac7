// What the addon does for one event, from a record of the kernel to a line, against what the decoder does with that line.

import { strict as assert } from "node:assert";
import { performance } from "node:perf_hooks";
import { CLASS, execRecord, fileRecord, HOST, inRow, KNOWS, type ProcessRecord } from "@kestrel/native/records";
import { loadAddon } from "@kestrel/runtime/ebpf/load-addon";
import { createDetector } from "@kestrel/runtime/engine/detector";
import { compileText, load } from "../compile.js";
import { analysed } from "../functions.js";
import { spread } from "../replay.js";

export interface LinesResult {
  readonly name: string;
  /** Record to line against the decoding of that line, pair by pair. */
  readonly ratio: { readonly min: number; readonly median: number; readonly max: number };
  /** Nanoseconds of one event, the least of all runs. */
  readonly written: number;
  readonly decoded: number;
  /** Of a line, in bytes. */
  readonly size: number;
}

/** About a megabyte of lines, and how often they are written and decoded in a run. */
const EVENTS = 500;
const PASSES = 50;
const SECOND = 1_000_000_000n;

/** Fields that rules on processes and files ask for, compared with what they never hold. */
const DECODE_QUERY = `any where process.name == "-" or process.executable == "-" or process.command_line == "-" or
  process.args == "-" or process.working_directory == "-" or process.entity_id == "-" or process.pid == -1 or
  process.parent.name == "-" or process.parent.executable == "-" or process.parent.command_line == "-" or
  process.parent.entity_id == "-" or user.name == "-" or file.path == "-" or file.name == "-"`;

export async function measureLines(pairs: number): Promise<LinesResult[]> {
  const addon = loadAddon();
  const pack = await load(compileText([analysed("decode", DECODE_QUERY)]));
  const results: LinesResult[] = [];
  for (const [name, records] of Object.entries(makeRecords())) {
    const ratios: number[] = [];
    let [written, decoded, size] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0];
    for (let pair = 0; pair <= pairs; pair++) {
      let [writing, decoding] = [0, 0];
      const detector = createDetector(pack, { latenessNs: 0n, onAlert: () => assert.fail("nothing can match") });
      for (let pass = 0; pass < PASSES; pass++) {
        const start = performance.now();
        const { lines, malformed } = addon.linesOf(records, HOST, SECOND);
        const middle = performance.now();
        detector.feed(Buffer.from(lines.buffer, lines.byteOffset, lines.length), { file: "bench", firstLine: 1 });
        decoding += performance.now() - middle;
        writing += middle - start;
        assert.equal(malformed, 0);
        size = lines.length / EVENTS;
      }
      assert.equal(detector.counters().events, EVENTS * PASSES);
      // The first pair warms up.
      if (pair === 0) continue;
      ratios.push(writing / decoding);
      written = Math.min(written, (writing * 1e6) / (EVENTS * PASSES));
      decoded = Math.min(decoded, (decoding * 1e6) / (EVENTS * PASSES));
    }
    results.push({ name, ratio: spread(ratios), written, decoded, size });
  }
  return results;
}

/** Programs that a shell starts one after the other, and files that one of them creates. */
function makeRecords(): Record<string, Buffer> {
  const text = (value: string): Buffer => Buffer.from(value);
  const process = (pid: number): ProcessRecord => ({
    ...{ pid, start: BigInt(pid) * SECOND, uids: [1000, 1000, 1000], gids: [1000, 1000, 1000], comm: text("tool") },
    ...{ parentPid: 100, parentStart: 100n * SECOND, parentComm: text("bash") },
    ...{ leaderPid: pid, leaderStart: BigInt(pid) * SECOND, leaderComm: text("tool") },
    ...{ sessionPid: 100, sessionStart: 100n * SECOND, sessionComm: text("bash"), terminal: [136, 0] },
  });
  const started = (pid: number, words: readonly string[]): Buffer =>
    execRecord({
      ...{ boottime: BigInt(pid) * SECOND, cgroup: 1n, inode: BigInt(pid), process: process(pid) },
      ...{ executable: text(words[0] ?? ""), filename: text(words[0] ?? ""), directory: text("/home/somebody/work") },
      ...{ args: text(`${words.join("\0")}\0`), argc: words.length, argsSize: words.join(" ").length + 1 },
    });
  const execs: Buffer[] = [started(100, ["/usr/bin/bash", "-l"])];
  while (execs.length < EVENTS) {
    const at = 1000 + execs.length;
    execs.push(started(at, ["/usr/bin/tool", "--verbose", `--input=/var/lib/tool/${at}.db`, "-o", `/tmp/out-${at}`]));
  }
  const files: Buffer[] = execs.slice(0, 2);
  while (files.length < EVENTS) {
    const path = text(`/var/lib/tool/cache/entry-${files.length}.db`);
    const inode = BigInt(files.length);
    files.push(
      fileRecord(CLASS.create, {
        ...{ boottime: 2000n * SECOND, cgroup: 1n, process: process(1001) },
        ...{ path, inode, mode: 0o100644, size: 0n, knows: KNOWS.inode | KNOWS.permissions },
      }),
    );
  }
  return { "program started": inRow(execs), "file created": inRow(files) };
}
