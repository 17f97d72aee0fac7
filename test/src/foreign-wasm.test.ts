// Hand-written modules: what is refused when they are built, and that nothing they do when they run goes on for ever or reaches anything.

import { spawnSync } from "node:child_process";
import { textToBinary } from "@kestrel/compiler/backend/wasm/seam";
import { type CheckedWasm, checkWasm, MOST_MODULE_BYTES, type WasmOptions } from "@kestrel/compiler/foreign/wasm-check";
import {
  ForeignFault,
  type ForeignHost,
  type ForeignInstance,
  type Limits,
} from "@kestrel/runtime/foreign/foreign-host";
import { createWasmInstance } from "@kestrel/runtime/foreign/wasm-instance";
import { wasm } from "@kestrel/runtime/wasm";
import {
  DEPTH_EXPORT,
  FOREIGN_FUEL,
  FOREIGN_MEMORY_BYTES,
  FOREIGN_MILLISECONDS,
  FUEL_EXPORT,
  HOST_FUNCTIONS,
  MOST_CAPTURE_BYTES,
  MOST_CAPTURES,
} from "@kestrel/stdlib/host-api";
import binaryen from "binaryen";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { copying } from "./support/copying.js";

const foreign = suite("foreign-wasm");

const OPTIONS: WasmOptions = { memoryBytes: FOREIGN_MEMORY_BYTES, findFields: true, moveStart: false };
const LIMITS: Limits = { fuel: FOREIGN_FUEL, memoryBytes: FOREIGN_MEMORY_BYTES, milliseconds: FOREIGN_MILLISECONDS };
const MEMORY = '(memory (export "memory") 1)';

function binaryOf(wat: string): Uint8Array {
  const binary = textToBinary(wat);
  if (typeof binary === "string") throw new Error(binary);
  return binary;
}

function check(wat: string, options: Partial<WasmOptions> = {}): CheckedWasm {
  return checkWasm(binaryOf(`(module ${wat})`), { ...OPTIONS, ...options });
}

/** The instrumented bytes of a module that is in order. */
function built(wat: string, options: Partial<WasmOptions> = {}): Uint8Array {
  const { binary, problems } = check(wat, { findFields: false, ...options });
  assert.equal(problems, []);
  if (binary === null) throw new Error("unreachable");
  return binary;
}

function said(wat: string, options: Partial<WasmOptions> = {}): string[] {
  const { binary, problems } = check(wat, options);
  assert.is(binary, null);
  return problems.map(({ code, message }) => `${code} ${message}`);
}

interface TestHost extends ForeignHost {
  readonly log: unknown[];
}

/** An event whose field 2 holds two texts, and field 1 a number. */
function hostOf(texts: readonly string[] = ["straße", "b"]): TestHost {
  const log: unknown[] = [];
  const bytes = texts.map((text) => new TextEncoder().encode(text));
  const text = (field: number, index: number): Uint8Array | null => (field === 2 ? (bytes[index] ?? null) : null);
  return {
    log,
    count: (field) => (field === 2 ? texts.length : field === 1 ? 1 : 0),
    text,
    copyText: copying(text),
    integer: (field, index) => (field === 1 && index === 0 ? -5n : null),
    double: (field) => (field === 1 ? -5 : null),
    boolean: (field) => (field === 3 ? true : null),
    regex: (id, text) => log.push(["regex", id, new TextDecoder().decode(text)]) > 0,
    glob: (id, text) => log.push(["glob", id, new TextDecoder().decode(text)]) > 0,
    emit: () => log.push("emit"),
    capture: (field) => log.push(["capture", field]),
  };
}

async function instanceOf(binary: Uint8Array, host: ForeignHost = hostOf(), limits = LIMITS): Promise<ForeignInstance> {
  return createWasmInstance(await wasm.compile(binary), host, limits);
}

/** The fault that a call ends in. */
function faultOf(call: () => unknown): ForeignFault {
  try {
    call();
  } catch (error) {
    if (error instanceof ForeignFault) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

async function faultOfModule(wat: string, limits = LIMITS): Promise<string> {
  const instance = await instanceOf(built(wat), hostOf(), limits);
  return faultOf(() => instance.evaluate()).kind;
}

const evaluating = (body: string, more = ""): string =>
  `${MEMORY} ${more} (func (export "pred_eval") (param i32) (result i32) ${body})`;

/** Hostile modules with what ends them. */
const HOSTILE: Readonly<Record<string, readonly [wat: string, kind: string]>> = {
  "an endless loop": [evaluating("(loop $l (br $l)) (i32.const 0)"), "fuel"],
  "an endless loop over blocks": [
    evaluating("(loop $l (block $b (br_if $b (i32.const 1)) (br $l)) (br $l)) (i32.const 0)"),
    "fuel",
  ],
  "a loop in a loop": [
    evaluating(
      "(local $i i32) (loop $o (loop $n (br_if $n (local.tee $i (i32.and (i32.add (local.get $i) (i32.const 1)) (i32.const 7))))) (br $o)) (i32.const 0)",
    ),
    "fuel",
  ],
  "a big br_table that goes round": [
    evaluating(
      `(local $i i32) (loop $l ${"(block ".repeat(200)} (br_table ${Array.from({ length: 200 }, (_, i) => i).join(" ")} 200 (i32.and (local.tee $i (i32.add (local.get $i) (i32.const 7))) (i32.const 255))) ${")".repeat(200)} (br $l)) (i32.const 0)`,
    ),
    "fuel",
  ],
  "memory.fill again and again": [
    evaluating("(loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $l)) (i32.const 0)"),
    "fuel",
  ],
  "memory.copy without a loop": [
    evaluating("(memory.copy (i32.const 0) (i32.const 65536) (i32.const 8000008)) (i32.const 0)", "").replace(
      "1)",
      "256)",
    ),
    "fuel",
  ],
  "memory.init with a length that no i32 can hold": [
    evaluating("(memory.init $d (i32.const 0) (i32.const 0) (i32.const -1)) (i32.const 0)", '(data $d "x")'),
    "fuel",
  ],
  "growing the memory for ever": [
    evaluating("(loop $l (drop (memory.grow (i32.const 1))) (br $l)) (i32.const 0)"),
    "memory",
  ],
  "growing the memory by nothing for ever": [
    evaluating("(loop $l (drop (memory.grow (i32.const 0))) (br $l)) (i32.const 0)"),
    "fuel",
  ],
  "growing the memory by all there is": [evaluating("(memory.grow (i32.const 65535))"), "memory"],
  "writing behind the memory": [evaluating("(i32.store (i32.const 65533) (i32.const 1)) (i32.const 0)"), "error"],
  "writing far behind the memory": [
    evaluating("(i32.store offset=4294967295 (i32.const -1) (i32.const 1)) (i32.const 0)"),
    "error",
  ],
  "dividing by zero": [evaluating("(i32.div_s (i32.const 1) (i32.const 0))"), "error"],
  "a trap of its own": [evaluating("(unreachable)"), "error"],
  "an indirect call that goes round": [
    `${MEMORY} (type $t (func (param i32) (result i32))) (table 1 funcref) (elem (i32.const 0) $f)
     (func $f (export "pred_eval") (param i32) (result i32)
       (drop (call_indirect (type $t) (local.get 0) (i32.const 0))) (i32.const 0))`,
    "depth",
  ],
  "a type that no function in the table has": [
    `${MEMORY} (type $t (func (param i64) (result i64))) (table 1 funcref) (elem (i32.const 0) $f)
     (func $f (export "pred_eval") (param i32) (result i32)
       (drop (call_indirect (type $t) (i64.const 0) (i32.const 0))) (i32.const 0))`,
    "error",
  ],
  "recursion with many variables": [
    `${MEMORY} (func $f (export "pred_eval") (param i32) (result i32) (local ${"i64 ".repeat(4000)})
       (i32.add (call $f (local.get 0)) (i32.wrap_i64 (local.get 3999))))`,
    "depth",
  ],
  "recursion two by two": [
    `${MEMORY} (func $f (export "pred_eval") (param i32) (result i32) (local $n i32)
       (if (i32.gt_u (local.get 0) (i32.const 60)) (then (return (i32.const 0))))
       (i32.add (call $f (i32.add (local.get 0) (i32.const 1))) (call $f (i32.add (local.get 0) (i32.const 1)))))`,
    "fuel",
  ],
};

for (const [name, [wat, kind]] of Object.entries(HOSTILE)) {
  foreign(`is stopped: ${name}`, async () => {
    const instance = await instanceOf(built(wat));
    const began = performance.now();
    const fault = faultOf(() => instance.evaluate()).kind;
    assert.ok(kind.split(" or ").includes(fault), fault);
    // Far above what it takes, and far below what it would take uncounted.
    assert.ok(performance.now() - began < 3000);
  });
}

foreign("stops recursion by its fuel where the stack is deep enough", async () => {
  const wat = `${MEMORY} (func $f (export "pred_eval") (param i32) (result i32) (i32.add (call $f (local.get 0)) (i32.const 1)))`;
  assert.is(await faultOfModule(wat, { ...LIMITS, fuel: 1000 }), "fuel");
  assert.is(await faultOfModule(wat), "depth");
});

/** How deep they come at least, where frames are large or a level has two. */
const LEAST: Readonly<Record<string, number>> = {
  "with many variables": 40,
  "by turns": 350,
  "that keeps what it computed": 10,
};

const POWERS = 500;
const POWER = `${"(i64.mul ".repeat(POWERS)}(local.get 1)${" (local.get 1))".repeat(POWERS)}`;
const KEPT = "(local.set 3 (i64.xor (local.get 3) (local.tee 2 (i64.mul (local.get 2) (local.get 1)))))";

/** Functions that call themselves as often as the event says, in different ways, with what they add up to. */
const RECURSIVE: Readonly<Record<string, string>> = {
  "with few variables": `(func $f (param i32) (result i32) (if (result i32) (local.get 0)
      (then (i32.add (call $f (i32.sub (local.get 0) (i32.const 1))) (i32.const 1))) (else (i32.const 0))))`,
  "with many variables": `(func $f (param i32) (result i32) (local ${"i64 ".repeat(300)})
      (local.set 299 (i64.extend_i32_u (local.get 0))) (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
      (i32.add (call $f (i32.sub (local.get 0) (i32.const 1))) (i64.ne (local.get 299) (i64.const -1))))`,
  "by turns": `(func $f (param i32) (result i32) (if (result i32) (local.get 0) (then (call $g (local.get 0))) (else (i32.const 0))))
      (func $g (param i32) (result i32) (local v128) (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1)))))`,
  "through a table": `(type $t (func (param i32) (result i32))) (table 1 funcref) (elem (i32.const 0) $f)
      (func $f (param i32) (result i32) (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))))
      (else (i32.const 0))))`,
  // The powers are the same before the call and behind it, so better code keeps all of them.
  "that keeps what it computed": `(func $f (param i32) (result i32) (call $g (local.get 0) (i64.const 7)))
      (func $g (param i32 i64) (result i32) (local i64 i64 i32)
        (if (local.get 0) (then (local.set 4 (i32.add (i32.const 1)
          (call $g (i32.sub (local.get 0) (i32.const 1)) (i64.or ${POWER} (i64.const 1)))))))
        (if (i32.eq (local.get 4) (i32.const -1)) (then (local.set 2 (local.get 1)) ${KEPT.repeat(POWERS)}
          (return (i32.wrap_i64 (local.get 3)))))
        (local.get 4))`,
};

for (const [name, functions] of Object.entries(RECURSIVE)) {
  foreign(`the depth of recursion ${name} is counted, whatever code the engine has made`, () => {
    const wat = `${MEMORY} ${functions} (func (export "pred_eval") (param i32 i32) (result i32)
      (i32.ne (call $f (local.get 1)) (local.get 1)))`;
    const script = `
      const module = new WebAssembly.Module(Buffer.from(process.argv[1], "base64"));
      const make = () => new WebAssembly.Instance(module, {}).exports;
      let exports = make();
      const ends = (depth) => {
        exports["kestrel:fuel"].value = 1e9;
        try {
          if (exports.pred_eval(1, depth) !== 0) throw new Error("added up wrongly");
          return false;
        } catch (error) {
          const isCounted = exports["kestrel:depth"].value < 0;
          exports = make();
          if (!isCounted) throw error;
          return true;
        }
      };
      let [low, high] = [0, 10_000];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (ends(middle)) high = middle;
        else low = middle + 1;
      }
      // Often, so that the engine makes better code meanwhile.
      for (let times = 0; times < 500; times++) if (ends(low - 1) || !ends(low)) throw new Error("at another depth");
      process.stdout.write(String(low - 1));`;
    const binary = Buffer.from(built(wat)).toString("base64");
    const depths = [[], ["--liftoff-only"], ["--no-liftoff"]].map((flags) => {
      const ended = spawnSync(process.execPath, [...flags, "-e", script, binary], { encoding: "utf8" });
      assert.is(ended.status, 0, ended.stderr);
      return Number(ended.stdout);
    });
    assert.ok((depths[0] ?? 0) >= (LEAST[name] ?? 400), depths.join());
    assert.equal(new Set(depths).size, 1, depths.join());
  });
}

foreign("refuses a function that takes too much of the stack by itself", () => {
  const wat = evaluating("(i32.const 0)", `(func (local ${"i64 ".repeat(10_000)}))`);
  assert.match(said(wat).join(), /E0709.*a function of 10000 variables and 0 operands at a time/);
});

foreign("gives every evaluation its fuel anew", async () => {
  const binary = built(
    evaluating(
      "(local $i i32) (loop $l (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10000)))) (i32.const 1)",
    ),
  );
  const instance = await instanceOf(binary, hostOf(), { ...LIMITS, fuel: 150_000 });
  for (let i = 0; i < 20; i++) assert.is(instance.evaluate(), true);
  const less = await instanceOf(binary, hostOf(), { ...LIMITS, fuel: 50_000 });
  assert.is(faultOf(() => less.evaluate()).kind, "fuel");
});

foreign("counts about as many steps as there are instructions", async () => {
  // 1000 passes of 8 instructions, and what stands around them.
  const binary = built(
    evaluating(
      "(local $i i32) (loop $l (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000)))) (i32.const 1)",
    ),
  );
  const exact = async (fuel: number): Promise<boolean> => {
    const instance = await instanceOf(binary, hostOf(), { ...LIMITS, fuel });
    try {
      return instance.evaluate();
    } catch {
      return false;
    }
  };
  assert.is(await exact(8_000), false);
  assert.is(await exact(10_000), true);
});

foreign("ways that are not taken cost little", async () => {
  const long = "(local.set $x (i32.mul (local.get $x) (i32.const 3)))".repeat(1000);
  const rare = (arms: string): string =>
    evaluating(`(local $i i32) (local $x i32)
      (loop $l ${arms} (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000)))) (i32.const 1)`);
  for (const arms of [
    `(if (i32.eq (local.get $i) (i32.const 500)) (then ${long}))`,
    `(if (i32.ne (local.get $i) (i32.const 500)) (then) (else ${long}))`,
    `(block $b (br_if $b (i32.ne (local.get $i) (i32.const 500))) ${long})`,
    `(block $c (block $b (br_table $b $c (i32.ne (local.get $i) (i32.const 500)))) ${long})`,
  ]) {
    const enough = await instanceOf(built(rare(arms)), hostOf(), { ...LIMITS, fuel: 60_000 });
    assert.is(enough.evaluate(), true);
    // The long way was paid for where it was taken.
    const short = await instanceOf(built(rare(arms)), hostOf(), { ...LIMITS, fuel: 14_000 });
    assert.is(faultOf(() => short.evaluate()).kind, "fuel");
    // And would have been in every pass.
    const always = rare(
      arms.replace(/i32\.(eq|ne) \(local\.get \$i\) \(i32\.const 500\)/, (_, op) => `i32.const ${op === "eq" ? 1 : 0}`),
    );
    const instance = await instanceOf(built(always), hostOf(), { ...LIMITS, fuel: 3_500_000 });
    assert.is(faultOf(() => instance.evaluate()).kind, "fuel");
  }
});

foreign("an optimiser that comes later takes no charge away", async () => {
  const module = binaryen.readBinary(built(evaluating("(loop $l (br $l)) (i32.const 0)")));
  module.setFeatures(binaryen.Features.MVP | binaryen.Features.MutableGlobals | binaryen.Features.BulkMemory);
  binaryen.setOptimizeLevel(4);
  module.optimize();
  const instance = await instanceOf(module.emitBinary());
  module.dispose();
  assert.is(faultOf(() => instance.evaluate()).kind, "fuel");
});

const REFUSED: Readonly<Record<string, readonly [wat: string, said: RegExp]>> = {
  "a start function": [evaluating("(i32.const 0)", "(func $s) (start $s)"), /^E0709 .*start function/],
  "an import of another module": [
    evaluating("(i32.const 0)", '(import "env" "f" (func))').replace(/^(.*?) (\(import.*?\)\)) /, "$2 $1 "),
    /^E0710 .*`env.f`/,
  ],
  "a function that the API lacks": [
    `(import "kestrel" "event_get_st" (func (param i32)))${evaluating("(i32.const 0)")}`,
    /^E0710 .*not in the Host API/,
  ],
  "a wrong signature": [
    `(import "kestrel" "event_has" (func (param i32 i64) (result i32)))${evaluating("(i32.const 0)")}`,
    /^E0710 .*\(i32, i64\) -> i32; it is \(i32, i32\) -> i32/,
  ],
  "an imported memory": [
    '(import "kestrel" "memory" (memory 1)) (export "memory" (memory 0)) (func (export "pred_eval") (param i32) (result i32) (i32.const 0))',
    /^E0710 .*memory `kestrel.memory`/,
  ],
  "an imported global": [
    `(import "kestrel" "g" (global i32))${evaluating("(i32.const 0)")}`,
    /^E0710 .*global `kestrel.g`/,
  ],
  "an imported table": [
    `(import "kestrel" "t" (table 1 funcref))${evaluating("(i32.const 0)")}`,
    /^E0710 .*table `kestrel.t`/,
  ],
  "no pred_eval": [MEMORY, /^E0711 .*`pred_eval`/],
  "pred_eval with three parameters": [
    `${MEMORY} (func (export "pred_eval") (param i32 i32 i32) (result i32) (i32.const 0))`,
    /^E0711 .*\(i32, i32, i32\) -> i32; it must be \(i32\) -> i32 or/,
  ],
  "pred_eval without a result": [`${MEMORY} (func (export "pred_eval") (param i32))`, /^E0711 .*\(i32\) -> \(\)/],
  "pred_eval that is a global": [`${MEMORY} (global (export "pred_eval") i32 (i32.const 0))`, /^E0711 .*is a global/],
  "pred_eval that is an import": [
    `(import "kestrel" "event_has" (func $h (param i32 i32) (result i32))) ${MEMORY} (export "pred_eval" (func $h))`,
    /^E0711 .*imported function/,
  ],
  "pred_init with a wrong type": [
    evaluating("(i32.const 0)", '(func (export "pred_init") (result i64) (i64.const 0))'),
    /^E0711 .*`pred_init`/,
  ],
  "no memory": ['(func (export "pred_eval") (param i32) (result i32) (i32.const 0))', /^E0711 .*memory/],
  "a memory that is not exported": [
    '(memory 1) (func (export "pred_eval") (param i32) (result i32) (i32.const 0))',
    /^E0711 .*memory/,
  ],
  "a name that eqlc keeps": [
    evaluating("(i32.const 0)", `(global (export "${FUEL_EXPORT}") (mut i32) (i32.const 0))`),
    /^E0711 .*keeps for itself/,
  ],
  "too much memory to begin with": [evaluating("(i32.const 0)").replace("1)", "257)"), /^E0712 .*257 pages/],
  "too large a table": [evaluating("(i32.const 0)", "(table 65537 funcref)"), /^E0712 .*65537 entries/],
  threads: [
    '(memory (export "memory") 1 1 shared) (func (export "pred_eval") (param i32) (result i32) (i32.const 0))',
    /^E0709 .*threads/,
  ],
  "atomic instructions": [evaluating("(i32.atomic.load (i32.const 0))"), /^E0709 .*threads/],
  exceptions: [evaluating("(throw $e)", "(tag $e)"), /^E0709 .*exceptions/],
  "tail calls": [
    evaluating("(return_call $f (local.get 0))", "(func $f (param i32) (result i32) (local.get 0))"),
    /^E0709 .*tail calls/,
  ],
  "garbage collection": [
    evaluating("(drop (struct.new $s)) (i32.const 0)", "(type $s (struct))"),
    /^E0709 .*garbage collection/,
  ],
  "reference types": [evaluating("(ref.is_null (ref.null func))"), /^E0709 .*(reference types|typed references)/],
  "a table that grows": [
    evaluating("(table.grow $t (ref.null func) (i32.const 1))", "(table $t 1 funcref)"),
    /^E0709 /,
  ],
  memory64: [
    '(memory (export "memory") i64 1) (func (export "pred_eval") (param i32) (result i32) (i32.const 0))',
    /^E0709 .*memory64/,
  ],
  "several tables": [evaluating("(i32.const 0)", "(table 1 funcref) (table 1 funcref)"), /^E0709 .*several tables/],
  "several memories": [evaluating("(i32.const 0)", "(memory 1)"), /^E0709 .*several memories/],
  "relaxed SIMD": [
    evaluating("(i32x4.extract_lane 0 (i32x4.relaxed_trunc_f32x4_s (v128.const i32x4 0 0 0 0)))"),
    /^E0709 .*relaxed SIMD/,
  ],
};

for (const [name, [wat, expected]] of Object.entries(REFUSED)) {
  foreign(`is refused: ${name}`, () => {
    const problems = said(wat);
    assert.ok(
      problems.some((problem) => expected.test(problem)),
      problems.join("; "),
    );
  });
}

foreign("refuses a memory above the rule's own limit, and never lets it grow above", async () => {
  assert.match(
    said(evaluating("(i32.const 0)").replace("1)", "3)"), { memoryBytes: 2 * 65_536 })[0] ?? "",
    /may have 2/,
  );
  const binary = built(evaluating("(drop (memory.grow (i32.const 1))) (memory.size)"), { memoryBytes: 2 * 65_536 });
  const instance = await instanceOf(binary);
  assert.is(instance.evaluate(), true);
  assert.is(faultOf(() => instance.evaluate()).kind, "memory");
});

foreign("refuses bytes that are no module, whatever they are", () => {
  const whole = binaryOf(`(module ${evaluating("(loop $l (br $l)) (i32.const 0)")})`);
  for (let end = 0; end < whole.length; end++) {
    const { binary, problems } = checkWasm(whole.subarray(0, end), OPTIONS);
    // The header alone is a module; cut anywhere else but between sections it is none.
    assert.is(binary, null);
    assert.ok(problems.length > 0);
  }
  let random = 12345;
  for (let round = 0; round < 3000; round++) {
    const bytes = Uint8Array.from(whole);
    for (let i = 0; i < 3; i++) {
      random = (Math.imul(random, 1103515245) + 12345) >>> 0;
      bytes[8 + ((random >>> 8) % (bytes.length - 8))] = random >>> 24;
    }
    const { binary, problems } = checkWasm(bytes, OPTIONS);
    assert.ok((binary === null) === problems.length > 0);
  }
});

foreign("refuses a module that is too large before it is read", () => {
  const { problems } = checkWasm(new Uint8Array(MOST_MODULE_BYTES + 1), OPTIONS);
  assert.equal(
    problems.map(({ code }) => code),
    ["E0712"],
  );
});

foreign("takes all instructions that are allowed, of large functions too", async () => {
  const simd = "(i32x4.extract_lane 0 (i32x4.add (v128.const i32x4 1 2 3 4) (i32x4.splat (i32.const 6))))";
  const binary = built(
    evaluating(
      `(local $x i32) (call $two) (drop) (drop)
       (local.set $x (i32.trunc_sat_f64_u (f64.const 1e300))) (local.set $x (i32.extend8_s (local.get $x)))
       ${"(local.set $x (i32.add (local.get $x) (i32.const 1)))".repeat(60_000)}
       (i32.eq ${simd} (i32.const 7))`,
      "(func $two (result i32 i64) (i32.const 1) (i64.const 2)) (global $g (mut i64) (i64.const 3))",
    ),
  );
  assert.is((await instanceOf(binary)).evaluate(), true);
});

foreign("counts blocks with parameters and results as any other", async () => {
  const wat = `(type $t (func (param i32 i32) (result i32)))
    (func (export "pred_eval") (param i32) (result i32)
      i32.const 3 i32.const 4
      loop (type $t)
        i32.add
      end
      i32.const 7 i32.eq)`;
  assert.is((await instanceOf(built(`${MEMORY} ${wat}`))).evaluate(), true);
});

foreign("leaves out what no host calls, and gives the same bytes each time", () => {
  const wat = evaluating("(i32.const 0)", '(func (export "other")) (@custom "note" "made at noon")');
  const first = built(wat);
  assert.equal(built(wat), first);
  const names = binaryNames(first);
  assert.equal(names.sort(), [DEPTH_EXPORT, FUEL_EXPORT, "memory", "pred_eval"].sort());
  assert.not.ok(new TextDecoder("latin1").decode(first).includes("noon"));
});

function binaryNames(binary: Uint8Array): string[] {
  const module = binaryen.readBinary(binary);
  const names = Array.from(
    { length: module.getNumExports() },
    (_, i) => binaryen.getExportInfo(module.getExportByIndex(i)).name,
  );
  module.dispose();
  return names;
}

foreign("calls a start function from pred_init where it is asked to", async () => {
  const start = "(global $g (mut i32) (i32.const 0)) (func $s (global.set $g (i32.const 1))) (start $s)";
  const own = '(func (export "pred_init") (result i32) (i32.sub (global.get $g) (i32.const 1)))';
  for (const init of ["", own]) {
    const instance = await instanceOf(built(evaluating("(global.get $g)", `${start} ${init}`), { moveStart: true }));
    assert.is(instance.evaluate(), false);
    instance.init();
    assert.is(instance.evaluate(), true);
  }
});

const IMPORTS: Readonly<Record<string, string>> = Object.fromEntries(
  HOST_FUNCTIONS.map(({ name, parameters, result }) => [
    name,
    `(import "kestrel" "${name}" (func $${name} (param ${parameters.map(({ type }) => type).join(" ")}) (result ${result})))`,
  ]),
);
const imports = (...names: readonly string[]): string => names.map((name) => IMPORTS[name]).join(" ");

foreign("finds the fields that the calls name", () => {
  const all = `${imports("event_get_str", "event_has", "capture_field", "event_get_i64_at", "event_count")} ${evaluating(
    `(drop (call $event_get_str (local.get 0) (i32.const 2) (i32.const 0) (i32.add (i32.const 3) (i32.const 4))))
     (if (call $event_has (local.get 0) (i32.const 300)) (then (drop (call $capture_field (i32.const 7)))))
     (drop (call $event_get_i64_at (local.get 0) (i32.const 1) (i32.const 99)))
     (block (result i32) (call $event_count (block (result i32) (i32.const 1)) (i32.const 5)))`,
  )}`;
  assert.equal(check(all).fields, [1, 2, 5, 7, 300]);
});

foreign("says where the field of a call cannot be seen", () => {
  const help = "say with `fields` in manifest.json what the rule reads";
  const has = (field: string, more = ""): string =>
    `${imports("event_has")} ${evaluating(`(call $event_has (i32.const 1) ${field})`, more)}`;
  for (const field of [
    "(local.get 0)",
    "(i32.add (i32.const 1) (i32.const 1))",
    "(i32.load (i32.const 0))",
    "(select (i32.const 1) (i32.const 2) (local.get 0))",
    "(if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2)))",
    "(block $b (result i32) (br $b (i32.const 2)))",
    "(block $b (result i32) (drop (br_if $b (i32.const 2) (local.get 0))) (i32.const 3))",
  ]) {
    const { problems } = check(has(field));
    assert.equal(problems, [
      { code: "E0707", message: "function 1 calls `event_has` with a field that is not a constant", help },
    ]);
    assert.ok(check(has(field), { findFields: false }).binary !== null);
  }
  const table = has("(i32.const 2)", "(table 1 funcref) (elem (i32.const 0) $event_has)");
  assert.match(said(table)[0] ?? "", /^E0707 .*stands in a table/);
});

foreign("binds every function of the Host API", async () => {
  const wat = `${imports(...HOST_FUNCTIONS.map(({ name }) => name))} ${evaluating(
    `(if (i64.ne (call $event_get_i64 (local.get 0) (i32.const 1)) (i64.const -5)) (then (unreachable)))
     (if (i64.ne (call $event_get_u64 (local.get 0) (i32.const 1)) (i64.const -5)) (then (unreachable)))
     (if (i64.ne (call $event_get_i64 (local.get 0) (i32.const 9)) (i64.const 0)) (then (unreachable)))
     (if (i64.ne (call $event_get_i64_at (local.get 0) (i32.const 1) (i32.const 1)) (i64.const 0)) (then (unreachable)))
     (if (f64.ne (call $event_get_f64 (local.get 0) (i32.const 1)) (f64.const -5)) (then (unreachable)))
     (if (i32.ne (call $event_get_bool (local.get 0) (i32.const 3)) (i32.const 1)) (then (unreachable)))
     (if (i32.ne (call $event_count (local.get 0) (i32.const 2)) (i32.const 2)) (then (unreachable)))
     (if (i32.ne (call $event_has (local.get 0) (i32.const 9)) (i32.const 0)) (then (unreachable)))
     (if (i32.ne (call $event_get_str_at (local.get 0) (i32.const 2) (i32.const 1) (i32.const 0) (i32.const 9)) (i32.const 1)) (then (unreachable)))
     (drop (call $glob_match (i32.const 4) (i32.const 0) (i32.const 1)))
     (if (i32.ne (call $event_get_str (local.get 0) (i32.const 2) (i32.const 100) (i32.const 20)) (i32.const 7)) (then (unreachable)))
     (drop (call $re_match (i32.const 3) (i32.const 100) (i32.const 7)))
     (drop (call $capture_field (i32.const 2)))
     (call $alert_emit (local.get 0))`,
  )}`;
  const host = hostOf();
  const instance = await instanceOf(built(wat), host);
  assert.is(instance.evaluate(), false);
  assert.equal(host.log, [["glob", 4, "b"], ["regex", 3, "straße"], ["capture", 2], "emit"]);
});

foreign("never cuts a character", async () => {
  const written = async (text: string, room: number): Promise<boolean> => {
    const expected = [...text].reduce(
      ({ end, full }, character) => {
        const next = end + new TextEncoder().encode(character).length;
        return full || next > room ? { end, full: true } : { end: next, full };
      },
      { end: 0, full: false },
    ).end;
    // The byte behind what is written stays as it was, too.
    const wat = `${imports("event_get_str")} ${evaluating(
      `(memory.fill (i32.const 0) (i32.const 1) (i32.const 128))
       (i32.and
         (i32.eq (call $event_get_str (local.get 0) (i32.const 2) (i32.const 0) (i32.const ${room})) (i32.const ${expected}))
         (i32.eq (i32.load8_u (i32.const ${expected})) (i32.const 1)))`,
    )}`;
    return (await instanceOf(built(wat), hostOf([text]))).evaluate();
  };
  for (const text of ["straße", "😀😀", "", "a😀", "é"])
    for (let room = 0; room < 10; room++) assert.is(await written(text, room), true, `${text} in ${room}`);
  const long = "aé".repeat(40);
  for (const room of [63, 64, 65, 66, 67, 119, 120, 121]) assert.is(await written(long, room), true, `in ${room}`);
});

foreign("a memory that has grown is written to where it stands now", async () => {
  const grown = `${imports("event_get_str")} ${evaluating(
    `(drop (call $event_get_str (local.get 0) (i32.const 2) (i32.const 0) (i32.const 16)))
     (drop (memory.grow (i32.const 1)))
     (drop (call $event_get_str (local.get 0) (i32.const 2) (i32.const 65536) (i32.const 16)))
     (i32.eq (i32.load8_u (i32.const 65536)) (i32.load8_u (i32.const 0)))`,
  )}`;
  const instance = await instanceOf(built(grown));
  assert.is(instance.evaluate(), true);
});

const HOST_FAULTS: Readonly<Record<string, string>> = {
  "another event": "(call $event_has (i32.const 2) (i32.const 2))",
  "an address behind the memory": "(call $event_get_str (local.get 0) (i32.const 2) (i32.const 65536) (i32.const 1))",
  "an address far behind the memory": "(call $event_get_str (local.get 0) (i32.const 2) (i32.const -1) (i32.const -1))",
  "a length behind the memory": "(call $re_match (i32.const 0) (i32.const 65530) (i32.const 7))",
  "a missing text where there is no memory":
    "(call $event_get_str (local.get 0) (i32.const 9) (i32.const 65530) (i32.const 7))",
};

for (const [name, body] of Object.entries(HOST_FAULTS)) {
  foreign(`the host refuses ${name}`, async () => {
    const wat = `${imports("event_has", "event_get_str", "re_match")} ${evaluating(body)}`;
    assert.is(await faultOfModule(wat), "host");
  });
}

foreign("what the host does is paid for", async () => {
  const loop = (call: string): string =>
    `${imports("event_has", "event_get_str", "re_match")} ${evaluating(`(loop $l (drop ${call}) (br $l)) (i32.const 0)`)}`;
  const calls = async (wat: string): Promise<number> => {
    const host = hostOf(["x".repeat(60_000)]);
    const instance = await instanceOf(built(wat), host, { ...LIMITS, milliseconds: 60_000 });
    assert.is(faultOf(() => instance.evaluate()).kind, "fuel");
    return host.log.length;
  };
  await calls(loop("(call $event_has (local.get 0) (i32.const 2))"));
  await calls(loop("(call $event_get_str (local.get 0) (i32.const 2) (i32.const 0) (i32.const 65536))"));
  const short = await calls(loop("(call $re_match (i32.const 0) (i32.const 0) (i32.const 4))"));
  const long = await calls(loop("(call $re_match (i32.const 0) (i32.const 0) (i32.const 65536))"));
  assert.ok(short > 20_000 && short < 100_000, String(short));
  assert.ok(long < 70, String(long));
});

foreign("patterns end with the time", async () => {
  const host: ForeignHost = {
    ...hostOf(),
    regex: () => {
      const until = performance.now() + 5;
      while (performance.now() < until);
      return true;
    },
  };
  const wat = `${imports("re_match")} ${evaluating("(loop $l (drop (call $re_match (i32.const 0) (i32.const 0) (i32.const 1))) (br $l)) (i32.const 0)")}`;
  const instance = await instanceOf(built(wat), host, { ...LIMITS, milliseconds: 20 });
  assert.is(faultOf(() => instance.evaluate()).kind, "time");
});

/** A module whose pred_capture returns the address, with a data segment of words and texts. */
async function captured(address: number, words: readonly number[], texts = ""): Promise<ForeignInstance> {
  const bytes = new Uint8Array(Uint32Array.from(words).buffer);
  const data = [...bytes].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
  const wat = `${evaluating("(i32.const 1)", `(data (i32.const 16) "${data}") (data (i32.const 4096) "${texts}")`)}
    (func (export "pred_capture") (param i32 i32) (result i32) (i32.const ${address}))`;
  return instanceOf(built(wat));
}

foreign("reads the record of pred_capture", async () => {
  const texts = "nameval\\ff\\c3\\9f\\ef\\bb\\bfx";
  assert.equal((await captured(0, [])).capture(), []);
  assert.equal((await captured(16, [0])).capture(), []);
  const record = [3, 4096, 4, 4100, 3, 4096, 0, 4103, 1, 4104, 2, 4106, 4];
  assert.equal((await captured(16, record, texts)).capture(), [
    ["name", "val"],
    ["", "\ufffd"],
    ["ß", "\ufeffx"],
  ]);
});

foreign("refuses a record that is not in the memory, or too large", async () => {
  const huge = [2, 0, 1, 0, MOST_CAPTURE_BYTES / 2, 0, 1, 0, MOST_CAPTURE_BYTES / 2];
  for (const [address, words] of [
    [65_534, []],
    [-1, []],
    [16, [1, 65_530, 7, 0, 0]],
    [16, [1, 0xffff_ffff, 0xffff_ffff, 0, 0]],
    [16, [MOST_CAPTURES + 1]],
    [16, huge],
  ] as const) {
    const instance = await captured(address, words);
    assert.is(faultOf(() => instance.capture()).kind, "host", `${address} ${words}`);
  }
});

foreign("pred_init that does not return 0 is a fault of its own", async () => {
  const init = (body: string): string =>
    evaluating("(i32.const 1)", `(func (export "pred_init") (param i32) (result i32) ${body})`);
  (await instanceOf(built(init("(local.get 0)")))).init();
  assert.is(faultOf((await instanceOf(built(init("(i32.const 3)")))).init).kind, "init");
  assert.is(faultOf((await instanceOf(built(init("(loop $l (br $l)) (i32.const 0)")))).init).kind, "fuel");
});

foreign("a module that counts nothing is not run", async () => {
  const bare = binaryOf(`(module ${evaluating("(i32.const 0)")})`);
  const module = await wasm.compile(bare);
  assert.is(faultOf(() => createWasmInstance(module, hostOf(), LIMITS)).kind, "error");
});

foreign.run();
