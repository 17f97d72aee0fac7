// eqlc profile as a process: what it counts, what is built by that, and what it refuses.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { folder, KESTREL_RUN, manifestOf, put, run, setUp, tearDown } from "./support/eqlc-process.js";

const profiling = suite("eqlc profile");
profiling.before(() => setUp("profile"));
profiling.after(tearDown);

const COUNTED = [
  '{"event":{"category":"process"},"process":{"name":"a"}}',
  '{"event":{"category":"process"},"process":{"name":"other"}}',
  '{"event.category":"file","file.path":"x.tmp"}',
  "no event",
];

profiling("counts recordings, and steers what is built and explained by them", async () => {
  put("profiled/by-text.eql", 'any where process.name : ("a", "b") and user.name == "root"');
  put("profiled/by-path.eql", 'file where file.path : "*.tmp"');
  put("recordings/one.ndjson", `${COUNTED.join("\n")}\n`);
  writeFileSync(join(folder, "recordings/two.json.gz"), gzipSync(`[${COUNTED.slice(0, 3).join(",")}]`));
  put("recordings/notes.txt", "these are no events");
  const made = await run(["profile", "profiled", "recordings", "-o", "ours.json"]);
  assert.equal([made.code, made.stdout], [0, ""]);
  assert.match(made.stderr, /note: left out: .*notes\.txt/);
  assert.match(
    made.stderr,
    /counted 6 events for 2 rules in ours\.json\n {2}left out {4}1 lines that are no events\n {2}fields {6}3 of 4 .*\n {2}texts {7}2 of 4 /,
  );
  const text = readFileSync(join(folder, "ours.json"), "utf8");
  assert.equal(JSON.parse(text).fields, { "event.category": 6, "file.path": 2, "process.name": 4, "user.name": 0 });
  assert.equal(JSON.parse(text).texts["process.name"], { a: 2, b: 0 });
  const again = await run(
    ["profile", "profiled", "recordings/two.json.gz", "-", "-o", "again.json"],
    COUNTED.join("\n"),
  );
  assert.is(again.code, 0);
  assert.is(readFileSync(join(folder, "again.json"), "utf8"), text);
  assert.equal(
    readdirSync(folder).filter((name) => name.includes(".new")),
    [],
  );

  const explained = await run(["explain", "--index", "profiled", "--rule", "by-text", "--profile", "ours.json"]);
  assert.match(explained.stdout, /woken by {2}user\.name /);
  const plain = await run(["explain", "--index", "profiled", "--rule", "by-text"]);
  assert.match(plain.stdout, /woken by {2}process\.name~ /);
  const built = await run(["build", "profiled", "-o", "out-profiled", "--profile", "ours.json"]);
  assert.is(built.code, 0);
  assert.match(built.stderr, /\n {2}profile {5}of 6 events\n/);
  assert.is(readFileSync(join(folder, "out-profiled/profile.json"), "utf8"), text);
  const validated = await run(["validate", "out-profiled", "--format", "json"], "", folder, KESTREL_RUN);
  const { sha256 } = manifestOf("out-profiled").files.find(({ path }) => path === "profile.json") ?? {};
  assert.is(JSON.parse(validated.stdout).profile, sha256);
  assert.match((await run(["validate", "out-profiled"], "", folder, KESTREL_RUN)).stdout, `\n  profile   ${sha256}\n`);
  assert.is((await run(["build", "profiled", "-o", "out-profiled"])).code, 0);
  assert.is(existsSync(join(folder, "out-profiled/profile.json")), false);
});

profiling("says what is wrong with rules, recordings and files", async () => {
  put("bad.json", '{"profile_version": "1.0", "events": 0}');
  const built = await run(["build", "profiled", "-o", "out-refused", "--profile", "bad.json"]);
  assert.is(built.code, 2);
  assert.match(built.stderr, /^error\[E0802\]: .*\n --> bad\.json:1:28\n/);
  assert.match(built.stderr, /1 error; nothing was written: the profile cannot be used\n$/);
  assert.is(existsSync(join(folder, "out-refused")), false);
  const json = await run(["build", "profiled", "-o", "out-refused", "--profile", "absent.json", "--format", "json"]);
  assert.is(json.code, 2);
  assert.equal(
    JSON.parse(json.stdout).diagnostics.map(({ code }: { readonly code: string }) => code),
    ["E0801"],
  );
  const explained = await run(["explain", "--index", "profiled", "--profile", "bad.json"]);
  assert.equal([explained.code, explained.stdout], [2, ""]);

  put("half-good/good.eql", 'any where process.name == "a"');
  put("half-good/bad.eql", "any where (");
  const half = await run(["profile", "half-good", "recordings/one.ndjson", "-o", "half.json"]);
  assert.is(half.code, 1);
  assert.match(half.stderr, /bad\.eql/);
  assert.match(half.stderr, /counted 3 events for 1 rules in half\.json/);

  put("recordings/strange.ndjson", '{"a":1}\n');
  const cases: readonly (readonly [parameters: readonly string[], code: number, stderr: RegExp])[] = [
    [["profiled", "recordings/absent.ndjson", "-o", "none.json"], 2, /E_INPUT_READ/],
    [["profiled", "recordings/strange.ndjson", "-o", "none.json"], 2, /no event has a field that the rules ask for/],
    [["profiled", "-", "-o", "none.json"], 2, /there are no events to count/],
    [["absent", "recordings", "-o", "none.json"], 2, /E0101/],
    [
      ["profiled", "recordings", "-o", "absent/none.json"],
      2,
      /E_OUTPUT_WRITE\]: cannot write absent\/none\.json: ENOENT/,
    ],
    [["profiled", "recordings"], 3, /required option '-o, --output <file>'/],
    [["profiled", "-o", "none.json"], 3, /missing required argument/],
  ];
  for (const [parameters, code, stderr] of cases) {
    const ended = await run(["profile", ...parameters]);
    assert.is(ended.code, code, parameters.join(" "));
    assert.match(ended.stderr, stderr);
  }
  assert.is(existsSync(join(folder, "none.json")), false);
});

profiling("a profile destroys no recording, and what is no file stays what it is", async () => {
  const recording = join(folder, "recordings/one.ndjson");
  const before = readFileSync(recording, "utf8");
  symlinkSync(recording, join(folder, "link.json"));
  for (const output of ["recordings/one.ndjson", "link.json"]) {
    const ended = await run(["profile", "profiled", "recordings", "-o", output]);
    assert.is(ended.code, 2);
    assert.match(ended.stderr, /E_OUTPUT_WRITE\]: cannot write .*: it is one of the recordings/);
  }
  assert.is(readFileSync(recording, "utf8"), before);
  const pipe = join(folder, "pipe");
  spawnSync("mkfifo", [pipe]);
  const reader = spawn("cat", [pipe], { stdio: "ignore" });
  assert.is((await run(["profile", "profiled", "recordings", "-o", "pipe"])).code, 0);
  assert.ok(statSync(pipe).isFIFO());
  reader.kill();
});

profiling.run();
