// Foreign code in a pack: what it is given, what becomes of its answers and its faults. The code here is of JavaScript, in the place of
// what the loader makes of Wasm and Lua.

import { analyseRules, compilePack, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import type { Foreign } from "@kestrel/compiler/ir/foreign";
import { readField } from "@kestrel/compiler/ir/reading";
import { globOf } from "@kestrel/compiler/patterns/patterns";
import { bareRule, type Rule } from "@kestrel/compiler/rule/rule";
import { detectionToAlert } from "@kestrel/runtime/alert/detection-to-alert";
import type { DetectorOptions } from "@kestrel/runtime/engine/detector";
import { createDetector } from "@kestrel/runtime/engine/detector";
import { createEvaluator } from "@kestrel/runtime/evaluate/evaluator";
import type { ForeignFaultReport } from "@kestrel/runtime/evaluate/foreign-tester";
import {
  ForeignFault,
  type ForeignHost,
  type ForeignInstance,
  type MakeForeign,
} from "@kestrel/runtime/foreign/foreign-host";
import type { Package } from "@kestrel/runtime/load/load-package";
import { PackageError } from "@kestrel/runtime/load/problems";
import { summaryText } from "@kestrel/runtime/report/summary";
import { FAULTS_TO_QUARANTINE, PROBATION_SHARE, QUARANTINE_EVENTS } from "@kestrel/stdlib/host-api";
import { lookup } from "@kestrel/stdlib/schema/schema";
import binaryen from "binaryen";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { loadForTest, runLines } from "./support/run-pack.js";

const foreign = suite("foreign code");

/** The least that the loader takes for a module. */
const MODULE = binaryen
  .parseText(
    `(module (memory (export "memory") 1 1) (global (export "kestrel:fuel") (mut i32) (i32.const 0))
      (global (export "kestrel:depth") (mut i32) (i32.const 0))
      (func (export "pred_eval") (param i32) (result i32) (i32.const 0)))`,
  )
  .emitBinary();

function codeOf(name: string, fields: readonly string[], more: Partial<Foreign> = {}): Foreign {
  const readings = fields.map((field) => {
    const known = lookup(DEFAULT_OPTIONS.schema, field);
    assert.ok(known !== null, field);
    return readField(known);
  });
  const limits = { fuel: 1000, memory_bytes: 65536 };
  return { name, runtime: "wasm", code: MODULE, readings, regexes: [], globs: [], limits, ...more };
}

function idOf(field: string): number {
  return lookup(DEFAULT_OPTIONS.schema, field)?.id ?? 0;
}

/** A rule that is a package alone, or one that uses it. */
function using(id: string, query: string, uses: Readonly<Record<string, string>>): Rule {
  return { ...bareRule(id, query, `${id}.eql`), uses: new Map(Object.entries(uses)) };
}

/** Compiles rules with packages, whose code is replaced by `makers`, in the order of the packages' first use. */
async function packOf(
  rules: readonly Rule[],
  codes: readonly Foreign[],
  makers: readonly MakeForeign[],
): Promise<Package> {
  const packages = new Map(codes.map((code) => [code.name, code]));
  const { rules: good, diagnostics } = analyseRules(rules, DEFAULT_OPTIONS, { packages });
  assert.equal(
    diagnostics.filter(({ severity }) => severity === "error"),
    [],
  );
  const pack = await loadForTest(compilePack(good, DEFAULT_OPTIONS), DEFAULT_OPTIONS);
  assert.is(pack.foreign.length, codes.length);
  return { ...pack, foreign: makers };
}

/** Code that only evaluates. */
function saying(evaluate: (host: ForeignHost) => boolean, capture: ForeignInstance["capture"] = () => []): MakeForeign {
  return (host) => ({ init: () => undefined, evaluate: () => evaluate(host), capture });
}

function linesOf(events: readonly object[]): Buffer {
  return Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
}

function processes(count: number): object[] {
  return Array.from({ length: count }, (_, at) => ({
    "@timestamp": new Date(1_700_000_000_000 + at * 1000).toISOString(),
    event: { category: "process", type: "start" },
    process: { name: `p${at}`, pid: at, args: [`a${at}`, "é"] },
    host: { id: "h" },
  }));
}

foreign("code reads what the decoder has read, of every type", async () => {
  const fields = [
    "process.name",
    "process.pid",
    "process.args",
    "@timestamp",
    "process.parent.name",
    "process.code_signature.exists",
  ];
  const seen: unknown[] = [];
  const [name, pid, args, time, parent, signed] = fields.map(idOf) as [number, number, number, number, number, number];
  const maker = saying((host) => {
    const text = (field: number, index = 0): string | null => {
      const bytes = host.text(field, index);
      return bytes === null ? null : Buffer.from(bytes).toString("utf8");
    };
    seen.push([
      text(name),
      host.integer(pid, 0),
      host.double(pid, 0),
      host.count(args),
      text(args),
      text(args, 1),
      text(args, 2),
    ]);
    seen.push([host.integer(time, 0), host.count(parent), text(parent), host.boolean(signed, 0)]);
    // Of another type, or not there.
    seen.push([host.integer(name, 0), text(pid), host.boolean(pid, 0), host.double(name, 0), text(name, -1)]);
    return false;
  });
  const rule = using("own", "any where own()", { own: "code" });
  const pack = await packOf([rule], [codeOf("code", fields)], [maker]);
  const event = {
    ...processes(1)[0],
    process: { name: "p", pid: 9007199254740992, args: ["é", "b"], code_signature: { exists: true } },
  };
  const line = JSON.stringify(event).replace("9007199254740992", "9007199254740993");
  runLines(pack, Buffer.from(`${line}\n`));
  assert.equal(seen, [
    ["p", 9007199254740993n, 9007199254740992, 2, "é", "b", null],
    [1_700_000_000_000_000_000n, 0, null, true],
    [null, null, null, null, null],
  ]);
});

foreign("code is one condition among others, and a stage of a sequence", async () => {
  const even = saying((host) => Number(host.integer(idOf("process.pid"), 0)) % 2 === 0);
  const rules = [
    using("alone", "any where even()", { even: "even" }),
    using("negated", 'process where not even() and process.name != "p1"', { even: "even" }),
    using("staged", "sequence by host.id [process where even()] [process where not even()]", { even: "even" }),
  ];
  const pack = await packOf(rules, [codeOf("even", ["process.pid"])], [even]);
  const { byRule, counters } = runLines(pack, linesOf(processes(4)));
  assert.equal(byRule, [
    [[0], [2]],
    [[3]],
    [
      [0, 1],
      [2, 3],
    ],
  ]);
  // Several rules ask, and it is run once for an event.
  assert.is(counters.foreign[0]?.evaluated, 4);
});

foreign("patterns are the module's own, and texts of any length can be matched", async () => {
  const answers: boolean[] = [];
  const maker = saying((host) => {
    for (const text of ["xaby", "ab", "a\nb", "", `${"a".repeat(100_000)}b`])
      answers.push(host.glob(0, Buffer.from(text)));
    answers.push(host.glob(1, Buffer.from("zz")));
    return false;
  });
  const globs = ["*a*b*", "z?"].map((text) => globOf(text));
  const pack = await packOf([using("r", "any where r()", { r: "c" })], [codeOf("c", [], { globs })], [maker]);
  runLines(pack, linesOf(processes(1)));
  assert.equal(answers, [true, true, true, false, true, true]);
});

foreign("what is emitted is a match, and captures stand in the alert of the rule that asks", async () => {
  const maker = saying(
    (host) => {
      if (host.integer(idOf("process.pid"), 0) === 1n) host.emit();
      host.capture(idOf("process.name"));
      host.capture(idOf("process.pid"));
      return false;
    },
    () => [["found", '"quoted" é']],
  );
  const rules = [using("a", "any where c()", { c: "c" }), bareRule("b", "process where process.pid == 1", "b.eql")];
  const pack = await packOf(rules, [codeOf("c", ["process.name", "process.pid"])], [maker]);
  const alerts: unknown[] = [];
  runLines(pack, linesOf(processes(3)), {
    onAlert: (detection) => {
      const { rule, events } = detectionToAlert(detection, pack.manifest);
      alerts.push([rule.id, events.map((event) => [event?.fileLine, event?.captures])]);
    },
  });
  const captures = [
    ["process.name", "p1"],
    ["process.pid", "1"],
    ["found", '"quoted" é'],
  ];
  assert.equal(alerts, [
    ["a", [[2, captures]]],
    ["b", [[2, []]]],
  ]);
});

foreign("captures are those of their event whatever the chunks", async () => {
  const maker = saying((host) => {
    host.capture(idOf("process.name"));
    return true;
  });
  const pack = await packOf([using("a", "any where c()", { c: "c" })], [codeOf("c", ["process.name"])], [maker]);
  for (const options of [{}, { inOrder: false }, { latenessNs: 0n }] as Partial<DetectorOptions>[]) {
    for (const chunk of [1, 700, 1 << 20]) {
      const found: unknown[] = [];
      runLines(
        pack,
        linesOf(processes(50)),
        { ...options, onAlert: ({ events: [event] }) => found.push(event?.captures?.get(0)) },
        chunk,
      );
      assert.equal(
        found,
        Array.from({ length: 50 }, (_, at) => [["process.name", `p${at}`]]),
      );
    }
  }
});

foreign("a fault costs the event it was about, and nothing of the other rules", async () => {
  let made = 0;
  const maker: MakeForeign = (host) => {
    made++;
    return {
      init: () => undefined,
      evaluate() {
        const pid = Number(host.integer(idOf("process.pid"), 0));
        if (pid % 3 === 0) throw new ForeignFault("error", "not this one");
        return true;
      },
      capture: () => [],
    };
  };
  const faults: ForeignFaultReport[] = [];
  const rules = [
    using("code", "any where c()", { c: "c" }),
    bareRule("eql", "process where process.pid >= 0", "eql.eql"),
  ];
  const pack = await packOf(rules, [codeOf("c", ["process.pid"])], [maker]);
  const { byRule, counters } = runLines(pack, linesOf(processes(9)), { onFault: (fault) => faults.push(fault) });
  assert.equal(
    byRule[0],
    [1, 2, 4, 5, 7, 8].map((at) => [at]),
  );
  assert.is(byRule[1]?.length, 9);
  assert.equal(counters.faults, 3);
  assert.equal(faults[2], {
    name: "c",
    isGenerated: false,
    kind: "error",
    message: "not this one",
    count: 3,
    quarantined: 0,
  });
  // Each fault ends its instance.
  assert.is(made, 4);
});

foreign("what is captured counts as memory that waiting events take, and goes through in small pieces", async () => {
  let evaluated = 0;
  const text = "x".repeat(60_000);
  const maker = saying(
    () => ++evaluated > 0,
    () => [["text", text]],
  );
  const rules = [
    using("pair", "sequence by process.pid with maxspan=1d [process where c()] [file where true]", { c: "c" }),
  ];
  const pack = await packOf(rules, [codeOf("c", [])], [maker]);
  const { counters } = runLines(pack, linesOf(processes(400)), { memoryBytes: 12_000_000 });
  // 400 events of some hundred bytes would fit; with 120 kB each there is room for a hundred.
  assert.ok(counters.sequences.evicted > 250, JSON.stringify(counters.sequences));

  evaluated = 0;
  const alone = await packOf([using("code", "any where c()", { c: "c" })], [codeOf("c", [])], [maker]);
  const evaluator = createEvaluator(alone);
  const before: number[] = [];
  let last = 0;
  for (const { output } of evaluator.evaluate(linesOf(processes(5000)), { file: "f", firstLine: 1 }, 0)) {
    before.push(evaluated - last);
    last = evaluated;
    assert.ok(output.captures.size <= 1024);
  }
  assert.is(evaluated, 5000);
  assert.ok(Math.max(...before) <= 1024, before.join());

  const names = ["c", "d", "e", "f"];
  const rule = using(
    "all",
    "any where c() and d() and e() and f()",
    Object.fromEntries(names.map((name) => [name, name])),
  );
  const codes = names.map((name) => codeOf(name, []));
  const several = await packOf(
    [rule],
    codes,
    Array.from(names, () => maker),
  );
  const most: number[] = [];
  for (const { output } of createEvaluator(several).evaluate(
    linesOf(processes(2000)),
    { file: "f", firstLine: 1 },
    0,
  )) {
    most.push(output.captures.size);
  }
  assert.equal([Math.max(...most), most.reduce((sum, lines) => sum + lines, 0)], [1024 / 4, 2000]);
});

foreign("code that always faults is left out for longer and longer, by events", async () => {
  let asked = 0;
  const maker = saying(() => {
    asked++;
    throw new ForeignFault("memory", "too much");
  });
  const rules = [using("code", "any where c()", { c: "c" }), bareRule("eql", "process where true", "eql.eql")];
  const pack = await packOf(rules, [codeOf("c", [])], [maker]);
  const events = FAULTS_TO_QUARANTINE + QUARANTINE_EVENTS + 1 + 2 * QUARANTINE_EVENTS + 1;
  const quarantined: number[] = [];
  const { byRule, counters } = runLines(pack, linesOf(processes(events)), {
    onFault: (fault) => quarantined.push(fault.quarantined),
  });
  assert.equal(quarantined, [0, 0, QUARANTINE_EVENTS, 2 * QUARANTINE_EVENTS, 4 * QUARANTINE_EVENTS]);
  assert.is(asked, FAULTS_TO_QUARANTINE + 2);
  assert.is(counters.foreign[0]?.skipped, 3 * QUARANTINE_EVENTS);
  assert.is(byRule[1]?.length, events);
  const said = (generated: boolean): string => {
    const own = counters.foreign.map((one) => ({ ...one, isGenerated: generated }));
    return summaryText({ ...counters, foreign: own }, { seconds: null, lost: new Map() });
  };
  assert.match(said(false), /, 5 faults of hand-written code, 3,000 events not shown to code in quarantine$/);
  assert.match(said(true), /, 5 faults of generated predicates, 3,000 events not shown to code in quarantine$/);
});

foreign("a capture that always faults costs no match, and is not tried each time", async () => {
  let asked = 0;
  const maker = saying(
    (host) => {
      host.capture(idOf("process.pid"));
      return true;
    },
    () => {
      asked++;
      throw new ForeignFault("fuel", "too long");
    },
  );
  const pack = await packOf([using("code", "any where c()", { c: "c" })], [codeOf("c", ["process.pid"])], [maker]);
  const events = FAULTS_TO_QUARANTINE + QUARANTINE_EVENTS + 1;
  const { byRule, counters } = runLines(pack, linesOf(processes(events)));
  assert.is(byRule[0]?.length, events);
  assert.is(asked, FAULTS_TO_QUARANTINE + 1);
  assert.equal([counters.faults, counters.foreign[0]?.skipped], [FAULTS_TO_QUARANTINE + 1, 0]);
});

foreign("code that answers again is out of quarantine", async () => {
  let asked = 0;
  const maker = saying(() => {
    if (++asked <= FAULTS_TO_QUARANTINE) throw new ForeignFault("error", "not yet");
    return true;
  });
  const pack = await packOf([using("code", "any where c()", { c: "c" })], [codeOf("c", [])], [maker]);
  const { byRule } = runLines(pack, linesOf(processes(FAULTS_TO_QUARANTINE + QUARANTINE_EVENTS + 2)));
  assert.is(byRule[0]?.length, 2);
});

foreign(
  "code that a limit has stopped has less fuel until it has answered for a while, and so has its capture by itself",
  async () => {
    const fuel: number[] = [];
    const captureFuel: number[] = [];
    const maker: MakeForeign = (host, limits) => ({
      init: () => undefined,
      evaluate() {
        fuel.push(limits.fuel);
        if (host.integer(idOf("process.pid"), 0) === 1n) throw new ForeignFault("fuel", "out of fuel");
        return true;
      },
      capture() {
        captureFuel.push(limits.fuel);
        if (host.integer(idOf("process.pid"), 0) === 3n) throw new ForeignFault("fuel", "out of fuel");
        return [];
      },
    });
    const pack = await packOf([using("code", "any where c()", { c: "c" })], [codeOf("c", ["process.pid"])], [maker]);
    const full = pack.manifest.foreign[0]?.limits.fuel ?? 0;
    const part = Math.floor(full / PROBATION_SHARE);
    const { byRule } = runLines(pack, linesOf(processes(11)));
    assert.is(byRule[0]?.length, 10);
    assert.equal(fuel, [full, full, part, ...Array(8).fill(full)]);
    assert.equal(captureFuel, [full, full, full, part, ...Array(6).fill(full)]);
  },
);

foreign("asking for what the package does not list is a fault", async () => {
  const asks: ((host: ForeignHost) => unknown)[] = [
    (host) => host.text(idOf("user.name"), 0),
    (host) => host.regex(0, Buffer.from("a")),
    (host) => host.glob(-1, Buffer.from("a")),
    (host) => host.capture(idOf("user.name")),
  ];
  for (const ask of asks) {
    const maker = saying((host) => {
      ask(host);
      return true;
    });
    const pack = await packOf([using("code", "any where c()", { c: "c" })], [codeOf("c", ["process.name"])], [maker]);
    const { counters } = runLines(pack, linesOf(processes(1)));
    assert.equal([counters.alerts, counters.faults], [0, 1], String(ask));
  }
});

foreign("a defect of the host is not taken for a fault of the code", async () => {
  const maker = saying(() => {
    throw new TypeError("a defect");
  });
  const pack = await packOf([using("code", "any where c()", { c: "c" })], [codeOf("c", [])], [maker]);
  const detector = createDetector(pack, { latenessNs: null, onAlert: () => undefined });
  assert.throws(() => detector.feed(linesOf(processes(1)), { file: "f", firstLine: 1 }), /a defect/);
});

foreign("names that stand for no package, and calls with arguments, are errors", () => {
  const errors = (rule: Rule): string[] => {
    const packages = new Map([["there", codeOf("there", [])]]);
    return analyseRules([rule], DEFAULT_OPTIONS, { packages }).diagnostics.map(
      ({ code, message }) => `${code} ${message}`,
    );
  };
  assert.equal(errors(using("r", "process where p()", { p: "nowhere" })), [
    'E0310 `p` stands for the package "nowhere", which is not among the rules',
  ]);
  assert.equal(errors(using("r", "process where p(1)", { p: "there" })), [
    "E0304 `p` is a predicate of a package, and takes no arguments",
  ]);
  assert.equal(errors(using("r", "process where p~()", { p: "there" })), ["E0302 `p` has no case-insensitive form"]);
  assert.equal(errors(using("r", "process where p()", { p: "there" })), []);
});

foreign("the loader takes no module that would pass a limit, or that nothing counts", async () => {
  const depth = '(global (export "kestrel:depth") (mut i32) (i32.const 0))';
  const fuel = `${depth} (global (export "kestrel:fuel") (mut i32) (i32.const 0))`;
  const memory = '(memory (export "memory") 1 1)';
  const modules: readonly (readonly [string, RegExp])[] = [
    [`${fuel} (memory (export "memory") 2 2)`, /has a memory of 2 pages to 2, and may have 1$/],
    [`${fuel} (memory (export "memory") 1)`, /has a memory of 1 pages without an end, and may have 1$/],
    [`${fuel} (memory (export "memory") 1 65536)`, /has a memory of 1 pages to 65536/],
    [`${fuel} ${memory} (table 65537 funcref)`, /has a table of 65537 entries, not 65536$/],
    [`${fuel} ${memory} (start $s) (func $s)`, /has a start function$/],
    [`${memory} ${depth} (global (export "kestrel:fuel") i32 (i32.const 0))`, /fuel that counts nothing$/],
    [`${memory} ${depth} (global (export "kestrel:fuel") (mut f64) (f64.const 0))`, /fuel that counts nothing$/],
    [`${fuel} ${memory} (table 1 funcref) (table 1 funcref)`, /uses several tables/],
  ];
  for (const [parts, reason] of modules) {
    const wat = `(module ${parts} (func (export "pred_eval") (param i32) (result i32) (i32.const 0)))`;
    const module = binaryen.parseText(wat);
    module.setFeatures(binaryen.Features.All);
    const code = codeOf("c", [], { code: module.emitBinary() });
    let problems: readonly string[] = [];
    await packOf([using("code", "any where c()", { c: "c" })], [code], []).catch((error: unknown) => {
      if (!(error instanceof PackageError)) throw error;
      problems = error.problems.map(({ code, message }) => `${code} ${message}`);
    });
    assert.is(problems.length, 1, parts);
    assert.match(problems[0] ?? "", reason);
    assert.match(problems[0] ?? "", /^E_PACKAGE_FOREIGN /);
  }
});

foreign.run();
