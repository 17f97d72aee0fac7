// kestrel-run as a process: what it prints where, and how it ends.

import { spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { manifestText } from "@kestrel/stdlib/package-format";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { fakePack, fakeProgram, fakeRule, fakeStage } from "./support/fake-pack.js";
import { outputOf } from "./support/output-of.js";
import { type Ended, runProcess } from "./support/run-process.js";
import { sizeOf } from "./support/sizes.js";

const cli = suite("kestrel-run");
const BIN = fileURLToPath(new URL("../../runtime/bin/kestrel-run.js", import.meta.url));

let folder = "";
let pack = "";
let events = "";

cli.before(async () => {
  folder = mkdtempSync(join(tmpdir(), "kestrel-cli-"));
  pack = join(folder, "pack");
  mkdirSync(pack);
  const made = await fakePack({
    rules: [
      fakeRule("single", "event", { severity: "high" }),
      fakeRule("pair", "sequence", { keys: ["user.name"] }),
      fakeRule("both", "join", { keys: [] }),
      fakeRule("first", "event"),
    ],
    predicates: [[], [], [], [0], [], [], [], [], [], []],
    programs: [
      fakeProgram({ rule: 1, kind: "sequence", maxspanNs: 5_000_000_000n, stages: [fakeStage(0), fakeStage(1)] }),
      fakeProgram({ rule: 2, kind: "join", stages: [fakeStage(4), fakeStage(5)] }),
      fakeProgram({ rule: 3, kind: "event", stages: [fakeStage(6)], pipes: [{ kind: "head", count: 1 }] }),
    ],
    lineage: [
      {
        dialect: "elastic",
        feed: 7,
        starts: 8,
        ends: 9,
        processes: null,
        resets: null,
        queries: [{ flag: 0, relation: "event", predicate: 7, late: null }],
      },
    ],
  });
  writeFileSync(join(pack, "manifest.json"), manifestText(made.manifest));
  writeFileSync(join(pack, "module.wasm"), made.module);
  events = join(folder, "events.ndjson");
  const lines = ['{"t":1000,"p":"0","k":"a"}', '{"t":2000,"p":"1","k":"a"}', '{"t":3000,"p":"3"}', '{"t":4000}'];
  writeFileSync(events, `${lines.join("\n")}\n`);
});
cli.after(() => rmSync(folder, { recursive: true, force: true }));

function run(parameters: readonly string[], input = ""): Promise<Ended> {
  return runProcess(BIN, parameters, folder, input);
}

/** Alerts without the files and lines that their events came from. */
function withoutPlaces(ndjson: string): string {
  return ndjson.replaceAll(/"file":"[^"]*","line":\d+,/g, "");
}

function rulesOf(ndjson: string): string[] {
  return ndjson
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { readonly rule: { readonly id: string } }).rule.id);
}

cli("replays a file, standard input and gzip to the same alerts", async () => {
  const plain = await run([pack, "--replay", events]);
  assert.is(plain.code, 0);
  assert.equal(rulesOf(plain.stdout), ["single", "pair"]);
  assert.match(plain.stderr, /^4 events, 2 alerts from 2 rules in \d+\.\d s\n$/);
  const text = readFileSync(events, "utf8");
  const packed = join(folder, "events.ndjson.gz");
  writeFileSync(packed, gzipSync(text));
  const [piped, zipped, small, sorted] = await Promise.all([
    run([pack, "--replay", "-"], text),
    run([pack, "--replay", packed]),
    run([pack, "--replay", events, "--batch", "64"]),
    run([pack, "--replay", events, "--sort", "--summary", "none"]),
  ]);
  for (const other of [piped, zipped, small, sorted])
    assert.is(withoutPlaces(other.stdout), withoutPlaces(plain.stdout));
  assert.is(sorted.stderr, "");
});

cli("takes several files as one stream", async () => {
  const [first = "", ...rest] = readFileSync(events, "utf8").trim().split("\n");
  writeFileSync(join(folder, "1.ndjson"), first);
  writeFileSync(join(folder, "2.ndjson"), rest.join("\n"));
  const whole = await run([pack, "--replay", events]);
  const cut = await run([pack, "--replay", "1.ndjson", "2.ndjson"]);
  assert.is(withoutPlaces(cut.stdout), withoutPlaces(whole.stdout));
});

cli("writes alerts to a file, and text to the terminal when asked", async () => {
  const file = join(folder, "alerts.ndjson");
  const quiet = await run([pack, "--replay", events, "--alerts", file, "--summary", "json"]);
  assert.is(quiet.stdout, "");
  assert.equal(rulesOf(readFileSync(file, "utf8")), ["single", "pair"]);
  const summary = JSON.parse(quiet.stderr) as Record<string, unknown>;
  assert.equal(summary.alerts_by_rule, { single: 1, pair: 1 });
  assert.equal([summary.events, summary.broken, summary.too_long, summary.late], [4, 0, 0, 0]);
  assert.is(summary.last_time, "1970-01-01T00:00:04.000Z");
  const both = await run([pack, "--replay", events, "--alerts", file, "--format", "text"]);
  assert.match(
    both.stdout,
    /MEDIUM {2}1970-01-01T00:00:02\.000Z {2}Rule pair {2}\(pair\)\n {2}user\.name = a\n {2}1\. /,
  );
  assert.equal(rulesOf(readFileSync(file, "utf8")), ["single", "pair"]);
});

cli("alerts for joins and for event rules with pipes, and counts processes", async () => {
  const input = [
    '{"t":1000,"p":"5"}',
    '{"t":2000,"p":"6"}',
    '{"t":3000,"p":"67"}',
    '{"t":4000,"p":"78","o":"a--b-"}',
    '{"t":5000,"p":"7","o":"c--b-"}',
  ];
  const text = input.map((line) => `${line}\n`).join("");
  const ended = await run([pack, "--replay", "-", "--summary", "json"], text);
  assert.equal(rulesOf(ended.stdout), ["first"]);
  const summary = JSON.parse(ended.stderr) as Record<string, unknown>;
  assert.equal(summary.processes, { known: 2, forgotten_for_cap: 0, forgotten_for_age: 0 });
  const joined = await run(
    [pack, "--replay", "-", "--format", "text"],
    `{"t":1000,"p":"5","k":"z"}\n{"t":6000,"p":"4","k":"z"}\n`,
  );
  assert.match(
    joined.stdout,
    /^MEDIUM {2}1970-01-01T00:00:06\.000Z {2}Rule both {2}\(both\)\n {2}z\n {2}1\. .*:2\]\n {2}2\. .*:1\]\n\n$/,
  );
});

cli("shows the first broken lines, counts the rest, and fails on them when strict", async () => {
  const input = `${"oops\n".repeat(8)}{"t":1,"p":"3"}\n${"x".repeat(200)}\n`;
  const loose = await run([pack, "--replay", "-", "--max-line", "100"], input);
  assert.is(loose.code, 0);
  const lines = loose.stderr.split("\n");
  assert.is(lines[0], "stdin:1: not a JSON object: oops");
  assert.is(lines[4], "stdin:5: not a JSON object: oops");
  assert.is(lines[5], "and 4 broken lines more");
  assert.match(lines[6] ?? "", /^1 event, 1 alert from 1 rule, 9 broken lines in /);
  const strict = await run([pack, "--replay", "-", "--strict"], input);
  assert.is(strict.code, 2);
  assert.is(strict.stdout, loose.stdout);
  assert.match(strict.stderr, /error\[E_INPUT_BROKEN\]: 9 lines are broken/);
});

cli("ends with 1 for alerts only when asked", async () => {
  assert.is((await run([pack, "--replay", events, "--fail-on-alerts"])).code, 1);
  assert.is((await run([pack, "--replay", "-", "--fail-on-alerts"], '{"t":1}\n')).code, 0);
});

cli("ends with 2 and a sentence for what it cannot use", async () => {
  mkdirSync(join(folder, "empty"));
  const expect = async (parameters: readonly string[], message: RegExp): Promise<void> => {
    const ended = await run(parameters);
    assert.is(ended.code, 2, parameters.join(" "));
    assert.match(ended.stderr, message);
    assert.is(ended.stdout, "");
  };
  await expect(
    ["empty", "--replay", events],
    /^error\[E_PACKAGE_MISSING\]: empty: not a package: it holds no manifest\.json\n$/,
  );
  await expect(["nowhere", "--replay", events], /^error\[E_PACKAGE_MISSING\]: nowhere: there is no such folder\n$/);
  await expect([pack, "--replay", "none.ndjson"], /^error\[E_INPUT_READ\]: cannot read none\.ndjson: ENOENT[^\n]*\n$/);
  await expect(
    [pack, "--replay", events, "--alerts", "no/such/folder"],
    /^error\[E_ALERTS_WRITE\]: cannot write alerts to/,
  );
  await expect([pack, "--replay", events, "--alerts", events], /E_ALERTS_WRITE.*it is one of the inputs/);
  await expect(["list", "empty"], /E_PACKAGE_MISSING/);
  await expect(["validate", "empty"], /E_PACKAGE_MISSING/);
  if (existsSync("/dev/full"))
    await expect([pack, "--replay", events, "--alerts", "/dev/full"], /E_ALERTS_WRITE.*ENOSPC/);
});

cli("ends with 3 for wrong usage", async () => {
  const wrong: readonly (readonly string[])[] = [
    [],
    [pack],
    [pack, "--replay"],
    [pack, "--replay", events, "--lateness", "soon"],
    [pack, "--replay", events, "--lateness", "5s", "--sort"],
    [pack, "--replay", events, "--batch", "1"],
    [pack, "--replay", events, "--format", "xml"],
    [pack, "--nonsense"],
    ["validate"],
    ["list", pack, "more"],
  ];
  for (const ended of await Promise.all(wrong.map((parameters) => run(parameters)))) {
    assert.is(ended.code, 3, ended.stderr);
    assert.match(ended.stderr, /^error: /);
  }
});

cli("helps, and tells its version", async () => {
  const help = await run(["--help"]);
  assert.is(help.code, 0);
  for (const word of ["--replay", "--lateness", "validate", "list", "Examples:", "Exit codes:"]) {
    assert.ok(help.stdout.includes(word), word);
  }
  const version = await run(["--version"]);
  assert.match(version.stdout, /^kestrel-run \d+\.\d+\.\d+ \(package format 4\.0, ABI 8\)\n$/);
});

cli("helps who reads no more than the first line", async () => {
  const eqlc = fileURLToPath(new URL("../../compiler/bin/eqlc.js", import.meta.url));
  for (const [program, parameter] of [
    [BIN, "--help"],
    [BIN, "--version"],
    [eqlc, "--help"],
  ] as const) {
    const child = spawn(process.execPath, [program, parameter]);
    child.stdout.destroy();
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const code = await new Promise((resolve) => child.on("close", resolve));
    assert.equal([code, stderr], [0, ""], `${program} ${parameter}`);
  }
});

cli("validates and lists a package", async () => {
  const ok = await run(["validate", pack]);
  assert.is(ok.code, 0);
  assert.match(ok.stdout, /^ok: fake 1\.2\.3\n {2}digest {4}[0-9a-f]{64}\n/);
  assert.match(ok.stdout, /4 rules \(2 event, 1 sequence, 1 join\)/);
  const facts = JSON.parse((await run(["validate", pack, "--format", "json"])).stdout) as Record<string, unknown>;
  assert.equal(facts.rules, { event: 2, sequence: 1, sample: 0, join: 1 });
  assert.equal([facts.programs, facts.process_trees], [3, 1]);
  const list = await run(["list", pack]);
  assert.match(list.stdout, /^SEVERITY {2}KIND {6}ID {6}NAME {9}ATT&CK\nhigh {6}event {5}single {2}Rule single\n/);
  const json = JSON.parse((await run(["list", pack, "--format", "json"])).stdout) as { readonly id: string }[];
  assert.equal(
    json.map(({ id }) => id),
    ["single", "pair", "both", "first"],
  );

  const damaged = join(folder, "damaged");
  mkdirSync(damaged);
  writeFileSync(join(damaged, "manifest.json"), readFileSync(join(pack, "manifest.json")));
  const text = await run(["validate", damaged]);
  assert.is(text.code, 2);
  assert.equal(text.stderr.trim().split("\n"), ["error[E_PACKAGE_FILE]: module.wasm: is missing"]);
  const asJson = await run(["validate", damaged, "--format", "json"]);
  assert.is(asJson.code, 2);
  assert.is((JSON.parse(asJson.stdout) as { readonly problems: unknown[] }).problems.length, 1);
});

/** Runs until the first output, then does `act` to the process. */
function interrupt(
  act: (child: ReturnType<typeof spawn>) => void,
  input: string,
  isEnded: boolean,
  options: readonly string[] = ["--lateness", "0"],
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, pack, "--replay", "-", ...options], { cwd: folder });
    const output = outputOf(child);
    child.stdout.once("data", () => act(child));
    child.on("error", reject);
    child.on("close", (code: number | null) => resolve({ code, ...output }));
    child.stdin.on("error", () => undefined);
    if (isEnded) child.stdin.end(input);
    else child.stdin.write(input);
  });
}

cli("alerts while its input is still open, and ends in order when interrupted", async () => {
  const input = '{"t":1000,"p":"3"}\n{"t":2000,"p":"3"}\n{"t":3000,"p":"3"}\n';
  const ended = await interrupt((child) => child.kill("SIGINT"), input, false);
  assert.is(ended.code, 130);
  assert.is(rulesOf(ended.stdout).length, 3);
  assert.match(ended.stderr, /^3 events, 3 alerts from 1 rule in /);
});

cli("ends with the signal's code, and judges what has come but no absence that is not due", async () => {
  const input = '{"t":1000,"p":"3"}\n{"t":2000,"p":"0","k":"a"}\n{"t":3000,"p":"1","k":"a"}\n';
  for (const [signal, code] of [
    ["SIGTERM", 143],
    ["SIGHUP", 129],
    ["SIGINT", 130],
  ] as const) {
    const ended = await interrupt((child) => child.kill(signal), input, false, []);
    assert.is(ended.code, code);
    assert.equal(rulesOf(ended.stdout), ["single", "pair"]);
    assert.match(ended.stderr, /^3 events, 2 alerts from 2 rules in /);
  }
});

cli("after a silence of an open input nothing waits for its order", async () => {
  const input = '{"t":2000,"p":"0","k":"a"}\n{"t":3000,"p":"1","k":"a"}\n';
  const ended = await interrupt((child) => child.kill("SIGTERM"), input, false, ["--idle", "200ms"]);
  assert.is(ended.code, 143);
  assert.equal(rulesOf(ended.stdout), ["pair"]);
});

cli("takes several files as one history, whatever their order", async () => {
  writeFileSync(join(folder, "later.ndjson"), '{"t":900000,"p":"1","k":"a"}\n{"t":100,"p":"3"}\n');
  writeFileSync(join(folder, "earlier.ndjson"), '{"t":899000,"p":"0","k":"a"}\n');
  const { stdout } = await run([pack, "--replay", "later.ndjson", "earlier.ndjson"]);
  assert.equal(rulesOf(stdout), ["single", "pair"]);
  const streamed = await run([pack, "--replay", "later.ndjson", "earlier.ndjson", "--lateness", "0"]);
  assert.equal(rulesOf(streamed.stdout), ["single"]);
});

cli("gives a reader that takes its time every alert, those of the end included", async () => {
  let input = "";
  for (let at = 0; at < 4000; at++) input += `{"t":${at * 10},"p":"3"}\n`;
  const flood = join(folder, "flood.ndjson");
  const file = join(folder, "flood-alerts.ndjson");
  writeFileSync(flood, input);
  for (const options of [["--lateness", "0"], ["--sort"]]) {
    const quick = await run([pack, "--replay", flood, "--alerts", file, ...options]);
    assert.is(quick.code, 0, quick.stderr);
    const child = spawn(process.execPath, [BIN, pack, "--replay", flood, ...options], { cwd: folder });
    let slow = "";
    for await (const text of child.stdout.setEncoding("utf8")) {
      slow += text as string;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.is(slow, readFileSync(file, "utf8"));
    assert.is(rulesOf(slow).length, 4000);
  }
});

/** Bytes that a process has had in memory at most so far; null where that is not to be had. */
function peakOf(pid: number | undefined): number | null {
  const path = `/proc/${pid}/status`;
  const kilobytes = existsSync(path) ? /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(path, "utf8"))?.[1] : undefined;
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}

cli("holds little for a reader that is far slower than itself", async () => {
  const thousands = Math.ceil(sizeOf("KESTREL_FLOOD", 300_000, 1_500_000) / 1000);
  const count = thousands * 1000;
  const file = join(folder, "long-events.ndjson");
  writeFileSync(file, "");
  const filler = "x".repeat(400);
  for (let at = 0; at < count; at += 1000) {
    const lines = Array.from({ length: 1000 }, (_, more) => `{"t":${at + more},"p":"3","x":"${filler}"}\n`);
    appendFileSync(file, lines.join(""));
  }
  const child = spawn(process.execPath, [BIN, pack, "--replay", file, "--lateness", "0"], { cwd: folder });
  let alerts = 0;
  let bytes = 0;
  let peak: number | null = null;
  let chunks = 0;
  const stderr: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => stderr.push(text));
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    for (let feed = chunk.indexOf(10); feed >= 0; feed = chunk.indexOf(10, feed + 1)) alerts++;
    if (chunks === 0) await new Promise((resolve) => setTimeout(resolve, 2000));
    if (chunks++ % 50 === 0) peak = peakOf(child.pid) ?? peak;
  }
  assert.is(alerts, count);
  assert.ok(bytes > 1200 * count);
  assert.match(stderr.join(""), /^[\d,]+ events, [\d,]+ alerts from 1 rule in /);
  // A process that has no alerts to write takes 100 MiB, and one that held these would take 130 MiB more for every 100,000. Node 24
  // lets its heap grow to between 165 and 240 MiB before it collects, of a flood of 50,000 as of one of 1,500,000; on a busy machine, once, to 318.
  const bound = 400 << 20;
  if (count >= 1_000_000) assert.ok(bytes > 4 * bound);
  if (peak !== null) assert.ok(peak < bound, `${Math.round(peak / 2 ** 20)} MiB`);
  rmSync(file);
});

cli("ends when nobody reads its output, and says so", async () => {
  let input = "";
  for (let at = 0; at < 20000; at++) input += `{"t":${at * 10},"p":"3"}\n`;
  const ended = await interrupt((child) => child.stdout?.destroy(), input, true);
  assert.is(ended.code, 141);
  assert.match(ended.stderr, /^error\[E_ALERTS_WRITE\]: nobody reads standard output any more: the run ended there\n/);
  assert.match(ended.stderr, /\n[\d,]+ events, [\d,]+ alerts from 1 rule in /);
});

cli("goes on for the file of alerts when nobody reads the text, and says so", async () => {
  let input = "";
  for (let at = 0; at < 20000; at++) input += `{"t":${at * 10},"p":"3"}\n`;
  const flood = join(folder, "text-flood.ndjson");
  const file = join(folder, "text-flood-alerts.ndjson");
  writeFileSync(flood, input);
  const child = spawn(process.execPath, [BIN, pack, "--replay", flood, "--alerts", file, "--format", "text"]);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdout.once("data", () => child.stdout.destroy());
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  assert.is(code, 0, stderr);
  assert.match(
    stderr,
    /^nobody reads standard output any more; alerts still go to .*text-flood-alerts\.ndjson\n20,000 events/,
  );
  assert.is(rulesOf(readFileSync(file, "utf8")).length, 20000);
});

cli.run();
