// The file that --alerts names: when it is replaced, who may write to it, and what becomes of it after a crash.

import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileOutput, SinkError } from "@kestrel/runtime/index";
import { manifestText } from "@kestrel/stdlib/package-format";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { fakePack, fakeRule } from "./support/fake-pack.js";

const files = suite("alert file");
const BIN = fileURLToPath(new URL("../../runtime/bin/kestrel-run.js", import.meta.url));
/** What an earlier run has written. */
const EARLIER = '{"earlier":1}\n';
const EVENT = '{"t":1000,"p":"0"}\n';

let folder = "";
let alerts = "";

files.before(async () => {
  folder = mkdtempSync(join(tmpdir(), "kestrel-alert-file-"));
  alerts = join(folder, "alerts.ndjson");
  mkdirSync(join(folder, "pack"));
  const made = await fakePack({ rules: [fakeRule("one", "event")], predicates: [[0]], programs: [] });
  writeFileSync(join(folder, "pack/manifest.json"), manifestText(made.manifest));
  writeFileSync(join(folder, "pack/module.wasm"), made.module);
  writeFileSync(join(folder, "events.ndjson"), EVENT);
  writeFileSync(join(folder, "quiet.ndjson"), '{"t":1000}\n');
  writeFileSync(join(folder, "packed.xz"), Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4]));
});
files.before.each(() => writeFileSync(alerts, EARLIER));
files.after(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

function start(parameters: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, [BIN, ...parameters], { cwd: folder, stdio: ["pipe", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code: number | null) => resolve({ code, stderr }));
  });
  return { child, ended };
}

function run(...parameters: readonly string[]): Promise<Ended> {
  const { child, ended } = start(parameters);
  child.stdin?.end();
  return ended;
}

function linesIn(path: string): string[] {
  return readFileSync(path, "utf8").split(/(?<=\n)/);
}

function locks(): string[] {
  return readdirSync(folder).filter((name) => name.includes(".lock"));
}

files("is replaced by a run that reads something, and not by one that fails to start", async () => {
  for (const parameters of [
    ["nowhere", "--replay", "events.ndjson", "--alerts", alerts],
    ["pack", "--replay", "none.ndjson", "--alerts", alerts],
    ["pack", "--replay", "events.ndjson", "none.ndjson", "--alerts", alerts],
    ["pack", "--replay", "packed.xz", "--alerts", alerts],
    ["pack", "--replay", "none.ndjson", "--alerts", alerts, "--append"],
    ["pack", "--replay", "none.ndjson", "--alerts", "new.ndjson"],
  ]) {
    const ended = await run(...parameters);
    assert.is(ended.code, 2, ended.stderr);
    assert.is(readFileSync(alerts, "utf8"), EARLIER, parameters.join(" "));
    assert.equal(locks(), []);
  }
  assert.not(existsSync(join(folder, "new.ndjson")));
  assert.is((await run("pack", "--replay", "events.ndjson", "--alerts", alerts)).code, 0);
  assert.is(linesIn(alerts).length, 1);
  assert.match(readFileSync(alerts, "utf8"), /^\{"@timestamp".*\}\n$/);
  assert.is((await run("pack", "--replay", "quiet.ndjson", "--alerts", alerts)).code, 0);
  assert.is(readFileSync(alerts, "utf8"), "");
  assert.equal(locks(), []);
});

files("is continued by --append, behind a whole line", async () => {
  const line = '{"@timestamp":"2026-01-01T00:00:00.000Z"}';
  const long = `{"a":"${"x".repeat(200_000)}`;
  for (const [before, kept, cut] of [
    [EARLIER, EARLIER, 0],
    ["", "", 0],
    [`${EARLIER}${line}`, `${EARLIER}${line}\n`, 0],
    [`${EARLIER}${line.slice(0, 20)}`, EARLIER, 20],
    [line.slice(0, 1), "", 1],
    [`${EARLIER}${long}`, EARLIER, long.length],
    ["a note", "a note\n", 0],
  ] as const) {
    writeFileSync(alerts, before);
    const ended = await run("pack", "--replay", "events.ndjson", "--alerts", alerts, "--append", "--summary", "none");
    const text = readFileSync(alerts, "utf8");
    assert.is(text.slice(0, kept.length), kept);
    assert.match(text.slice(kept.length), /^\{"@timestamp":"1970-01-01T00:00:01\.000Z".*\}\n$/);
    if (cut === 0) assert.is(ended.stderr, "");
    else assert.match(ended.stderr, /alerts\.ndjson ended in an unfinished line, of which [\d,]+ bytes? w/);
  }
  rmSync(alerts);
  await run("pack", "--replay", "events.ndjson", "--alerts", alerts, "--append");
  await run("pack", "--replay", "events.ndjson", "--alerts", alerts, "--append");
  const [first, second, ...more] = linesIn(alerts);
  assert.equal([second, more], [first, []]);
  const wrong = await run("pack", "--replay", "events.ndjson", "--append");
  assert.is(wrong.code, 3);
  assert.match(wrong.stderr, /--append needs --alerts/);
});

/** A run over an open standard input that has written its first alert. */
async function writing(): Promise<ReturnType<typeof start>> {
  const running = start(["pack", "--replay", "-", "--alerts", alerts]);
  running.child.stdin?.write(EVENT);
  for (let tries = 0; !readFileSync(alerts, "utf8").startsWith('{"@timestamp"'); tries++) {
    assert.ok(tries < 1000, "no alert came");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return running;
}

files("is written by one run at a time", async () => {
  const { child, ended } = await writing();
  const before = readFileSync(alerts, "utf8");
  symlinkSync(alerts, join(folder, "other-name.ndjson"));
  for (const name of [alerts, "other-name.ndjson"]) {
    for (const how of [[], ["--append"]]) {
      const second = await run("pack", "--replay", "quiet.ndjson", "--alerts", name, ...how);
      assert.is(second.code, 2);
      assert.match(
        second.stderr,
        new RegExp(`^error\\[E_ALERTS_WRITE\\]: cannot write alerts to .*: another run \\(process ${child.pid} on `),
      );
    }
  }
  assert.is(readFileSync(alerts, "utf8"), before);
  child.stdin?.end(EVENT);
  assert.is((await ended).code, 0);
  assert.is(linesIn(alerts).length, 2);
  assert.equal(locks(), []);
  assert.is((await run("pack", "--replay", "events.ndjson", "--alerts", alerts)).code, 0);
});

files("is free again after a crash", async () => {
  const { child, ended } = await writing();
  child.kill("SIGKILL");
  await ended;
  assert.is(locks().length, 1);
  const next = await run("pack", "--replay", "events.ndjson", "--alerts", alerts, "--append");
  assert.is(next.code, 0, next.stderr);
  assert.is(linesIn(alerts).length, 2);
  assert.equal(locks(), []);
});

/** A process that is over. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ["-e", ""]);
  await new Promise((resolve) => child.on("close", resolve));
  return child.pid ?? 0;
}

files("goes to one of many that find a lock left behind", async () => {
  const left = JSON.stringify({ pid: await deadPid(), start: "1", host: hostname() });
  for (let round = 0; round < 20; round++) {
    writeFileSync(`${alerts}.lock`, left);
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => fileOutput(alerts)));
    const won = all.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    assert.is(won.length, 1);
    for (const one of all) if (one.status === "rejected") assert.instance(one.reason, SinkError);
    await won[0]?.close();
    assert.equal(locks(), []);
  }
  assert.is(readFileSync(alerts, "utf8"), EARLIER);
});

files("is not taken from who may still live", async () => {
  const refused = async (lock: string, message: RegExp): Promise<void> => {
    writeFileSync(`${alerts}.lock`, lock);
    const error: unknown = await fileOutput(alerts).catch((caught: unknown) => caught);
    assert.instance(error, SinkError);
    assert.match((error as SinkError).message, message);
    rmSync(`${alerts}.lock`);
  };
  const dead = await deadPid();
  await refused(JSON.stringify({ pid: dead, start: "1", host: "elsewhere" }), /process \d+ on elsewhere/);
  await refused(JSON.stringify({ pid: process.pid, start: null, host: hostname() }), /another run \(process/);
  await refused("", /another run writes to it; should there be none any more, remove .*alerts\.ndjson\.lock/);
  if (!existsSync("/proc/self/stat")) return;
  // The number of a process that is over was given to another one.
  writeFileSync(`${alerts}.lock`, JSON.stringify({ pid: process.pid, start: "1", host: hostname() }));
  await (await fileOutput(alerts)).close();
  assert.equal(locks(), []);
});

files("is neither in the package nor an input", async () => {
  const manifest = readFileSync(join(folder, "pack/manifest.json"), "utf8");
  symlinkSync(join(folder, "pack"), join(folder, "pack-link"));
  linkSync(join(folder, "events.ndjson"), join(folder, "same-events.ndjson"));
  for (const [target, message] of [
    ["pack/alerts.ndjson", /it lies in the folder of the package/],
    ["pack/manifest.json", /it lies in the folder of the package/],
    ["pack-link/alerts.ndjson", /it lies in the folder of the package/],
    ["events.ndjson", /it is one of the inputs/],
    ["same-events.ndjson", /it is one of the inputs/],
  ] as const) {
    for (const how of [[], ["--append"]]) {
      const ended = await run("pack", "--replay", "events.ndjson", "--alerts", target, ...how);
      assert.is(ended.code, 2);
      assert.match(ended.stderr, /^error\[E_ALERTS_WRITE\]/);
      assert.match(ended.stderr, message);
    }
  }
  assert.is(readFileSync(join(folder, "pack/manifest.json"), "utf8"), manifest);
  assert.equal(readdirSync(join(folder, "pack")).sort(), ["manifest.json", "module.wasm"]);
  assert.is(readFileSync(join(folder, "events.ndjson"), "utf8"), EVENT);
  assert.is((await run("pack", "--replay", "events.ndjson", "--alerts", "pack-alerts.ndjson")).code, 0);
});

files.run();
