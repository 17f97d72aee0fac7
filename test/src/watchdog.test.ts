// A module that does not return: the run ends all the same, says which module and where, and a signal ends it at any time.

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createDetector, packageFromMemory } from "@kestrel/runtime/index";
import { type Unwatched, watchCalls } from "@kestrel/runtime/load/call-module";
import { manifestText } from "@kestrel/stdlib/package-format";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { fakePack, fakeRule } from "./support/fake-pack.js";
import { type Output, outputOf } from "./support/output-of.js";

const watching = suite("watchdog");
const RUN = fileURLToPath(new URL("../../runtime/bin/kestrel-run.js", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "kestrel-watchdog-"));
watching.after(() => rmSync(root, { recursive: true, force: true }));

const made = await fakePack({ rules: [fakeRule("single", "event")], predicates: [[0]], programs: [], lineage: [] });

watching.before(() => {
  const { manifest, module } = made;
  mkdirSync(join(root, "pack"));
  writeFileSync(join(root, "pack/manifest.json"), manifestText(manifest));
  writeFileSync(join(root, "pack/module.wasm"), module);
});

interface Ended extends Output {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly seconds: number;
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Until standard output has held this text. */
  saw(text: string): Promise<void>;
}

/** Runs with an input that is open until `input` is ended. */
function start(parameters: readonly string[]): Running {
  const began = performance.now();
  const child = spawn(process.execPath, [RUN, "pack", ...parameters], { cwd: root });
  const output = outputOf(child);
  child.stdin.on("error", () => undefined);
  // A test that fails must not leave a process that never ends.
  const net = setTimeout(() => child.kill("SIGKILL"), 60_000);
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code, signal) => {
      clearTimeout(net);
      resolve({ code, signal, ...output, seconds: (performance.now() - began) / 1000 });
    });
  });
  return {
    child,
    ended,
    async saw(text) {
      while (!output.stdout.includes(text)) await sleep(20);
    },
  };
}

const match = (number: number): string => `{"t":${number}000,"p":"0"}\n`;
const LOOPS = '{"t":9000,"#":1}\n';

watching(
  "a call that takes too long ends the run, with the module, the place, and all that was found before",
  async () => {
    writeFileSync(join(root, "loops.ndjson"), `${match(1).repeat(40)}${LOOPS}${match(2)}`);
    for (const more of [[], ["--alerts", "alerts.ndjson"]]) {
      const { code, stdout, stderr, seconds } = await start([
        ...["--replay", "loops.ndjson", "--module-timeout", "1500ms", ...more],
      ]).ended;
      assert.is(code, 2, stderr);
      assert.match(
        stderr,
        /error\[E_MODULE_FAILED\]: pack\/module\.wasm has not returned from a call for 1\.5 s \(loops\.ndjson, at or behind line \d+\)\n$/,
      );
      const line = Number(/behind line (\d+)/.exec(stderr)?.[1]);
      assert.ok(line > 1 && line <= 41, stderr);
      // The output region has room for a few matches only, so that the batches before the one that loops are whole.
      const written = more.length > 0 ? readFileSync(join(root, "alerts.ndjson"), "utf8") : stdout;
      assert.is(written.split("\n").length - 1, line - 1);
      assert.match(stderr, new RegExp(`^\\d+ events, ${line - 1} alerts from 1 rule in`, "m"));
      assert.ok(seconds < 20, `${seconds} s`);
      assert.not.match(stderr, /debugger|^\s+at /m);
    }
  },
);

watching("where the input stays open, it ends too", async () => {
  const running = start(["--replay", "-", "--module-timeout", "1s"]);
  running.child.stdin?.write(match(1));
  await running.saw('"single"');
  running.child.stdin?.write(LOOPS);
  const { code, stderr } = await running.ended;
  assert.is(code, 2);
  assert.match(stderr, /E_MODULE_FAILED.*\(-, at or behind line 2\)/);
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  watching(`${signal} ends it while the module loops`, async () => {
    const running = start(["--replay", "-", "--module-timeout", "0"]);
    running.child.stdin?.write(match(1));
    await running.saw('"single"');
    running.child.stdin?.write(LOOPS);
    await sleep(2000);
    running.child.kill(signal);
    const sent = performance.now();
    const ended = await running.ended;
    assert.is(ended.signal, signal);
    assert.ok(performance.now() - sent < 5000);
    assert.is(ended.stdout.split("\n").length - 1, 1, "what was found before is written");
  });
}

watching("a signal that came before it was seen to loop ends it when its time is over", async () => {
  const running = start(["--replay", "-", "--module-timeout", "2s"]);
  running.child.stdin?.write(match(1));
  await running.saw('"single"');
  running.child.stdin?.write(LOOPS);
  await sleep(200);
  running.child.kill("SIGTERM");
  const ended = await running.ended;
  assert.is(ended.code, 2, ended.stderr);
  assert.match(ended.stderr, /E_MODULE_FAILED.*has not returned/);
});

watching("time in which the process is stopped does not count", async () => {
  const running = start(["--replay", "-", "--module-timeout", "3s"]);
  running.child.stdin?.write(match(1));
  await running.saw('"single"');
  running.child.stdin?.write(LOOPS);
  await sleep(500);
  running.child.kill("SIGSTOP");
  await sleep(3500);
  running.child.kill("SIGCONT");
  const goesOn = performance.now();
  const { code } = await running.ended;
  assert.is(code, 2);
  assert.ok(performance.now() - goesOn > 1000, "it had more than a second left");
});

watching("a signal ends a run that is well as ever: what was found is written, and summed up", async () => {
  const running = start(["--replay", "-", "--module-timeout", "1s"]);
  running.child.stdin?.write(match(1));
  await running.saw('"single"');
  // Longer than a call may take: waiting for input is none.
  await sleep(1500);
  running.child.kill("SIGTERM");
  const { code, stderr } = await running.ended;
  assert.is(code, 143);
  assert.match(stderr, /^1 event, 1 alert from 1 rule/m);
});

watching("a module that traps in the middle ends the run with what was found and the summary", async () => {
  writeFileSync(join(root, "traps.ndjson"), `${match(1).repeat(40)}{"!":1}\n`);
  const { code, stdout, stderr } = await start(["--replay", "traps.ndjson"]).ended;
  assert.is(code, 2);
  const alerts = stdout.split("\n").length - 1;
  assert.ok(alerts > 0 && alerts <= 40);
  assert.match(stderr, new RegExp(`^\\d+ events, ${alerts} alerts from 1 rule`, "m"));
  assert.match(
    stderr,
    /error\[E_MODULE_FAILED\]: the module failed: unreachable \(traps\.ndjson, at or behind line \d+\)\n$/,
  );
});

watching("a first call that loops is made again where it is watched: the run ends, and a signal ends it", async () => {
  writeFileSync(join(root, "first.ndjson"), `${LOOPS}${match(1)}`);
  const { code, stdout, stderr } = await start(["--replay", "first.ndjson", "--module-timeout", "1s"]).ended;
  assert.is(code, 2);
  assert.is(stdout, "");
  assert.match(stderr, /E_MODULE_FAILED.*has not returned from a call for 1 s \(first\.ndjson, at or behind line 1\)/);
  const running = start(["--replay", "first.ndjson", "--module-timeout", "0"]);
  await sleep(2000);
  running.child.kill("SIGTERM");
  assert.is((await running.ended).signal, "SIGTERM");
});

watching("a first call that traps ends the run as any other", async () => {
  writeFileSync(join(root, "trap.ndjson"), '{"!":1}\n');
  const { code, stderr } = await start(["--replay", "trap.ndjson"]).ended;
  assert.is(code, 2);
  assert.match(
    stderr,
    /error\[E_MODULE_FAILED\]: the module failed: unreachable \(trap\.ndjson, at or behind line 1\)\n$/,
  );
});

/** What is found in matches with a broken line among them, read in two chunks, and how often each function was called. */
async function foundWhen(unwatched: Unwatched | null): Promise<unknown> {
  const pack = await packageFromMemory(made);
  const found: unknown[] = [];
  watchCalls(unwatched);
  try {
    const detector = createDetector(pack, {
      latenessNs: null,
      onAlert: ({ rule, events }) => found.push([rule, events.map((event) => [event?.ts, event?.fileLine])]),
      onBroken: (line) => found.push(line),
    });
    const lines = Buffer.from(`${match(1).repeat(30)}{"broken\n${match(2)}`);
    detector.feed(lines, { file: "a", firstLine: 1 });
    detector.feed(lines, { file: "b", firstLine: 1 });
    detector.finish();
    return [found, detector.counters()];
  } finally {
    watchCalls(null);
  }
}

watching(
  "the first call is guarded, the others are watched, and one that was ended leaves nothing behind",
  async () => {
    const usual = await foundWhen(null);
    for (const isSoon of [true, false]) {
      const did: unknown[] = [];
      const found = await foundWhen({
        first(call) {
          call();
          did.push("first");
          return isSoon;
        },
        watch: (isSlow) => did.push(isSlow),
      });
      assert.equal(found, usual);
      assert.equal(did, ["first", !isSoon]);
    }
  },
);

watching(
  "many evaluations of hand-written code may take longer together than one call of the module's own",
  async () => {
    const folder = join(root, "slow");
    mkdirSync(join(folder, "steps"), { recursive: true });
    const metadata = {
      rule_id: "steps",
      rule_name: "steps",
      rule_version: "1.0.0",
      severity: "Low",
      schema_version: "1.0",
    };
    const capabilities = { supports_inline: true, requires_alert: true, requires_block: false };
    const manifest = { format_version: "1.0", metadata: { ...metadata, description: "", tags: [] }, capabilities };
    writeFileSync(join(folder, "steps/manifest.json"), JSON.stringify(manifest));
    const code = `function pred_eval(event)
  local pid = kestrel.event_get_i64(event, kestrel.fields["process.pid"])
  for i = 1, 150000 do pid = pid + 1 end
  return pid == 150007
end
`;
    writeFileSync(join(folder, "steps/predicate.lua"), code);
    const eqlc = fileURLToPath(new URL("../../compiler/bin/eqlc.js", import.meta.url));
    execFileSync(process.execPath, [eqlc, "build", "slow", "-o", "slow-pack"], { cwd: root, stdio: "ignore" });
    const lines = Array.from({ length: 300 }, (_, pid) => `${JSON.stringify({ process: { pid } })}\n`).join("");
    writeFileSync(join(root, "slow.ndjson"), lines);
    const parameters = ["slow-pack", "--replay", "slow.ndjson", "--module-timeout", "500ms"];
    const { status, stdout, stderr } = spawnSync(process.execPath, [RUN, ...parameters], {
      cwd: root,
      encoding: "utf8",
    });
    assert.is(status, 0, stderr);
    assert.is(stdout.split("\n").length - 1, 1);
  },
);

watching("a run of one call is not watched", async () => {
  const pack = await packageFromMemory(made);
  const did: string[] = [];
  watchCalls({
    first(call) {
      call();
      return did.push("first") > 0;
    },
    watch: () => did.push("watch"),
  });
  try {
    const detector = createDetector(pack, { latenessNs: null, onAlert: () => did.push("alert") });
    detector.feed(Buffer.from(match(1)), { file: "a", firstLine: 1 });
    detector.finish();
  } finally {
    watchCalls(null);
  }
  assert.equal(did, ["first", "alert"]);
});

watching.run();
