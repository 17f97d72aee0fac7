// kestrel-run --profile: which phase and which rule the time of a run is given to, and what becomes of the file.

import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { predicateFunctions } from "@kestrel/runtime/load/predicate-functions";
import { type CpuProfile, type ProfiledPackage, profileText, readProfile } from "@kestrel/runtime/report/run-profile";
import { programToJson } from "@kestrel/stdlib/sequence-tables";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { fakeProgram, fakeRule, fakeStage } from "./support/fake-pack.js";

const profiles = suite("profile of a run");
const [EQLC, RUN] = ["compiler/bin/eqlc.js", "runtime/bin/kestrel-run.js"].map((path) =>
  fileURLToPath(new URL(`../../${path}`, import.meta.url)),
) as [string, string];
const folder = mkdtempSync(join(tmpdir(), "kestrel-profile-"));
profiles.after(() => rmSync(folder, { recursive: true }));

interface Frame {
  readonly name: string;
  readonly url?: string;
  /** Microseconds of it alone. */
  readonly time?: number;
  readonly calls?: readonly Frame[];
}

function profileOf(root: Frame): CpuProfile {
  const nodes: CpuProfile["nodes"][number][] = [];
  const times: [node: number, time: number][] = [];
  const add = ({ name, url = "", time, calls = [] }: Frame): number => {
    const id = nodes.length + 1;
    const node = { id, callFrame: { functionName: name, url, lineNumber: 0 }, children: [] as number[] };
    nodes.push(node);
    if (time !== undefined) times.push([id, time]);
    for (const call of calls) node.children.push(add(call));
    return id;
  };
  add(root);
  const endTime = times.reduce((sum, [, time]) => sum + time, 0);
  const samples = times.map(([id]) => id);
  return { nodes, startTime: 0, endTime, samples, timeDeltas: times.map(([, time]) => time) };
}

const MODULE = "wasm://wasm/0001";

const PACK: ProfiledPackage = {
  manifest: {
    rules: [fakeRule("one", "event"), fakeRule("two", "event"), fakeRule("three", "sequence")],
    predicates: [[0, 1], [], []],
    programs: [programToJson(fakeProgram({ rule: 2, kind: "sequence", stages: [fakeStage(1)] }))],
    lineage: [],
  },
  functions: [40, 41, 42],
  folderOf: (url) => /^file:\/\/\/(\w+)\//.exec(url)?.[1] ?? null,
};

profiles("time belongs to the folder of a function, and else to whoever called it", () => {
  const { phases, rules, profile } = readProfile(
    profileOf({
      name: "(root)",
      calls: [
        { name: "(idle)", time: 6_000_000 },
        { name: "dispatch", time: 1_000_000 },
        { name: "(garbage collector)", time: 2_000_000 },
        // Names that every object has are names like others.
        { name: "toString", url: "file:///cli/x.js", time: 1000 },
        { name: "constructor", url: "file:///alert/x.js", time: 10, calls: [{ name: "update", time: 20 }] },
        {
          name: "evaluate",
          url: "file:///evaluate/x.js",
          time: 100,
          calls: [
            {
              name: "callModule",
              url: "file:///load/x.js",
              time: 200,
              calls: [
                {
                  name: "wasm-function[3]",
                  url: MODULE,
                  time: 400,
                  calls: [
                    { name: "f64_parse", url: "file:///load/x.js", time: 800 },
                    {
                      name: "wasm-function[40]",
                      url: MODULE,
                      time: 10_000,
                      calls: [{ name: "wasm-function[9]", url: MODULE, time: 6000 }],
                    },
                    {
                      name: "wasm-function[41]",
                      url: MODULE,
                      time: 300,
                      calls: [{ name: "lua", url: "file:///load/x.js", time: 60 }],
                    },
                    { name: "wasm-function[42]", url: MODULE, time: 5 },
                  ],
                },
              ],
            },
          ],
        },
        { name: "load", url: "file:///load/x.js", time: 50_000 },
        // The module that outlines events is no package's.
        {
          name: "alert",
          url: "file:///alert/x.js",
          time: 1,
          calls: [
            {
              name: "outline",
              url: "file:///event/x.js",
              time: 2,
              calls: [{ name: "wasm-function[40]", url: "wasm://wasm/2", time: 7 }],
            },
          ],
        },
      ],
    }),
    PACK,
  );
  assert.equal(Object.fromEntries(phases.map(({ phase, seconds }) => [phase, Math.round(seconds * 1e6)])), {
    waiting: 7_000_000,
    "garbage collection": 2_000_000,
    "loading the package": 50_000,
    "conditions of rules": 16_365,
    "decoding and index": 1200,
    "everything else": 1000,
    "taking up what was found": 300,
    "making alerts": 40,
  });
  // A condition of two rules is half of each.
  assert.equal(
    rules.map(({ id, seconds }) => [id, Math.round(seconds * 1e6)]),
    [
      ["one", 8000],
      ["two", 8000],
      ["three", 360],
    ],
  );
  const names = profile.nodes.map(({ callFrame }) => callFrame.functionName).filter((name) => name.startsWith("cond"));
  assert.equal(names, ["condition 0: Rule one and 1 more", "condition 1: Rule three", "condition 2: process trees"]);
});

profiles("a run in which nothing was seen is told of too", () => {
  const run = readProfile({ nodes: [], startTime: 0, endTime: 0, samples: [], timeDeltas: [] }, PACK);
  assert.is(
    profileText(run, { file: "x", tried: 0, conditions: 3 }),
    "profile of 0.00 s at work, 0 samples, in x\nof 3 conditions 0.0 were tried for an event; the rules whose conditions took most:\n   none was seen at work",
  );
});

profiles("bytes that are no such module name no function", () => {
  for (const bytes of [[], [0, 97, 115, 109, 1, 0, 0, 0], [0, 97, 115, 109, 1, 0, 0, 0, 9, 255, 255, 255, 255, 255]]) {
    assert.equal(predicateFunctions(Uint8Array.from(bytes), 3), []);
  }
});

function run(...words: string[]): { readonly status: number | null; readonly stderr: string } {
  const { status, stderr } = spawnSync(process.execPath, [RUN, ...words], { cwd: folder, encoding: "utf8" });
  return { status, stderr };
}

profiles("the rule that takes most is named, in the file too", () => {
  mkdirSync(join(folder, "rules"));
  const rule = (name: string, query: string): void =>
    writeFileSync(
      join(folder, "rules", `${name}.yaml`),
      `name: Rule ${name}\nid: ${name}\nquery: ${JSON.stringify(query)}\n`,
    );
  for (let at = 0; at < 20; at++) rule(`quick-${at}`, `process where process.pid == ${-1 - at}`);
  rule("dear", 'process where process.command_line regex ".*(a|b).*(b|a).*(a|b)c"');
  assert.is(
    spawnSync(process.execPath, [EQLC, "build", "rules", "-o", "pack", "--no-cache"], { cwd: folder }).status,
    0,
  );
  const event = { "@timestamp": "2026-01-01T00:00:00Z", event: { category: "process" }, process: { pid: 1 } };
  const lines = Array.from({ length: 2000 }, (_, at) =>
    JSON.stringify({ ...event, process: { pid: at, command_line: `${at} ${"ab".repeat(1000)}` } }),
  );
  writeFileSync(join(folder, "events.ndjson"), `${lines.join("\n")}\n`);
  const { status, stderr } = run("pack", "--replay", "events.ndjson", "--profile", "run.cpuprofile");
  assert.is(status, 0, stderr);
  assert.match(stderr, /^2,000 events, 0 alerts in .*\nprofile of [\d.]+ s at work, \d+ samples, in run\.cpuprofile\n/);
  assert.match(stderr, /\n +[\d.]+ % {2}conditions of rules\n/);
  assert.match(stderr, /took most:\n +[\d.]+ % {2}Rule dear \(dear\)\n/);
  const { nodes, samples } = JSON.parse(readFileSync(join(folder, "run.cpuprofile"), "utf8")) as CpuProfile;
  const dear = nodes.filter(({ callFrame }) => /^condition \d+: Rule dear$/.test(callFrame.functionName));
  assert.ok(dear.length > 0);
  assert.ok(samples.length > 0);
  // A summary for programs, or none, stays what it is.
  for (const format of ["json", "none"]) {
    const said = run("pack", "--replay", "events.ndjson", "--profile", "run.cpuprofile", "--summary", format).stderr;
    assert.not.match(said, /profile/);
  }
});

profiles("a profile destroys nothing that the run reads or writes, and is refused before the run", () => {
  const before = readFileSync(join(folder, "events.ndjson"), "utf8");
  const refused = (file: string, ...more: string[]): string => {
    const { status, stderr } = run("pack", "--replay", "events.ndjson", "--profile", file, ...more);
    assert.is.not(status, 0);
    return stderr;
  };
  assert.is(
    refused("events.ndjson"),
    "error[E_PROFILE_WRITE]: cannot write the profile to events.ndjson: it is one of the inputs\n",
  );
  assert.match(refused("pack/p.cpuprofile"), /^error\[E_PROFILE_WRITE\]: .* lies in the folder of the package\n$/);
  assert.match(
    refused("none/p.cpuprofile"),
    /^error\[E_PROFILE_WRITE\]: cannot write the profile to none\/p\.cpuprofile: ENOENT/,
  );
  assert.match(refused("same", "--alerts", "./same"), /--profile and --alerts are one file/);
  symlinkSync("same", join(folder, "link"));
  assert.match(refused("link", "--alerts", "same"), /--profile and --alerts are one file/);
  mkdirSync(join(folder, "below"));
  symlinkSync("below", join(folder, "linked"));
  assert.match(refused("linked/same", "--alerts", "below/same"), /--profile and --alerts are one file/);
  assert.match(refused("below"), /it is no regular file\n$/);
  assert.match(refused("/dev/null"), /it is no regular file\n$/);
  const out = openSync(join(folder, "out"), "w");
  const words = ["pack", "--replay", "events.ndjson", "--profile", "out"];
  assert.match(
    spawnSync(process.execPath, [RUN, ...words], { cwd: folder, stdio: ["ignore", out, "pipe"], encoding: "utf8" })
      .stderr,
    /it is standard output\n$/,
  );
  closeSync(out);
  assert.match(refused("other", "--runtime", "both"), /--profile is for one runtime/);
  assert.is(existsSync(join(folder, "same")), false);
  assert.is(readFileSync(join(folder, "events.ndjson"), "utf8"), before);
});

profiles.run();
