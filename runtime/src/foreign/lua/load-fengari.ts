// The sources of fengari's core → its functions, with what the sandbox needs built in.
//
// fengari charges nothing for what it does, has integers of 32 bits, and its functions call one another directly, so that
// nothing can be put around them from outside. So its files are loaded here rather than by Node, each with some places
// replaced. Every place must be found as often as EDITS says, or nothing is loaded: another version of fengari cannot slip in
// with a limit missing. Files that reach the machine (os, io, package, debug) and fengari's libraries are not loaded at all, a
// file gets no module of Node, and its bytecode reader is left out.
//
// Nothing of this is loaded before a package with a rule in Lua is.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { compileFunction } from "node:vm";
import type { Fengari, LuaValue } from "./fengari.js";
import { spellFloat } from "./float-text.js";
import { equalsWide, readNumeral, setInteger, setProduct, setShifted, wideKey } from "./int64.js";
import { LSTRING } from "./lua-text.js";
import {
  allocate,
  CLOSURE_BYTES,
  charge,
  chargeFrame,
  checkBytes,
  checkDepth,
  ENTRY_BYTES,
  SLOT_BYTES,
  TABLE_BYTES,
  tooDeep,
} from "./meter.js";

/** Values of a script's stack at most; fengari allows a million. */
const MOST_SLOTS = 65536;

let parseSteps = 0;

/** What the replaced places call, under the name `kestrel`. */
const SEAM = {
  spellFloat,
  setInteger,
  setProduct,
  setShifted,
  equalsWide,
  wideKey,
  readNumeral,
  charge,
  chargeFrame,
  checkDepth,
  tooDeep,
  chargeTable: (): void => {
    charge(4);
    allocate(TABLE_BYTES);
  },
  chargeEntry: (): void => {
    charge(1);
    allocate(ENTRY_BYTES);
  },
  chargeClosure: (captured: number): void => {
    charge(2);
    allocate(CLOSURE_BYTES + captured * SLOT_BYTES);
  },
  /** A step of those loops of the parser whose number grows with the square of the source. */
  parseStep: (): void => {
    parseSteps = (parseSteps + 1) & 15;
    if (parseSteps === 0) charge(1);
  },
  /** Joined texts are charged by their string; this is asked before there is one. */
  checkBytes,
  /** An integer beyond 32 bits stands among a function's constants as what it is at run time. */
  constantType: (value: unknown, otherwise: number): number => (typeof value === "bigint" ? 2 : otherwise),
  /** Whether two constants may be computed by the parser, which knows 32 bits only. */
  mayFold: (operation: number, a: LuaValue, b: LuaValue): boolean => {
    if (typeof a.value !== "number" || typeof b.value !== "number") return false;
    if (a.type === 3 && b.type === 3) return true;
    const negated = operation === UNARY_MINUS;
    return negated && a.value !== -0x80000000 && a.value !== 0;
  },
};

/** LUA_OPUNM of fengari's defs.js. */
const UNARY_MINUS = 12;

type Edit = readonly [find: string, replacement: string, times?: number];
type Once = readonly [find: string, replacement: string];

/** `delete` on the stack is a call of V8's runtime; fengari reads nothing above the top of it. */
const POP: Once = ["delete L.stack[--L.top];", "L.stack[--L.top] = void 0;"];

const EDITS: Readonly<Record<string, readonly Edit[]>> = {
  "lvm.js": [
    [...POP, 3],
    // Arithmetic leaves 32 bits instead of wrapping in them.
    ["L.stack[ra].setivalue((op1.value + op2.value)|0)", "kestrel.setInteger(L.stack[ra], op1.value + op2.value)"],
    ["L.stack[ra].setivalue((op1.value - op2.value)|0)", "kestrel.setInteger(L.stack[ra], op1.value - op2.value)"],
    ["L.stack[ra].setivalue(luaV_imul(op1.value, op2.value))", "kestrel.setProduct(L.stack[ra], op1.value, op2.value)"],
    [
      "L.stack[ra].setivalue(luaV_div(L, op1.value, op2.value))",
      "kestrel.setInteger(L.stack[ra], luaV_div(L, op1.value, op2.value))",
    ],
    ["Math.floor(m / n)|0", "Math.floor(m / n)"],
    ["L.stack[ra].setivalue((-op.value)|0)", "kestrel.setInteger(L.stack[ra], -op.value)"],
    [
      "L.stack[ra].setivalue(luaV_shiftl(numberop1, numberop2))",
      "kestrel.setShifted(L.stack[ra], numberop1, numberop2)",
    ],
    [
      "L.stack[ra].setivalue(luaV_shiftl(numberop1, -numberop2))",
      "kestrel.setShifted(L.stack[ra], numberop1, -numberop2)",
    ],
    [
      "if (t1.ttnov() !== t2.ttnov() || t1.ttnov() !== LUA_TNUMBER)",
      "if (t1.type === 2 || t2.type === 2) return kestrel.equalsWide(t1, t2);\n$&",
    ],
    // A loop to the last integer ends, and one to an integer that no loop reaches begins.
    ["let idx = (L.stack[ra].value + step)|0", "let idx = L.stack[ra].value + step"],
    ["(initv - pstep.value)|0", "initv - pstep.value"],
    [
      "let ilimit = luaV_tointeger(obj, step < 0 ? 2 : 1);",
      "if (obj.type === 2) obj = new lobject.TValue(LUA_TNUMFLT, Number(obj.value));\n$&",
    ],
    // The hook is asked after so many instructions, without a call for each of them; no other hook is ever set.
    [
      "if (L.hookmask & (LUA_MASKLINE | LUA_MASKCOUNT)) {",
      "if (L.hookmask !== 0 && --L.hookcount === 0) {\n            L.hookcount = 1;",
    ],
    // Work and memory.
    ["let buff = new Uint8Array(tl);", "kestrel.checkBytes(tl);\n$&"],
    ["t = tm;", "kestrel.charge(1);\n$&", 2],
    ["let n = base - ci.funcOff - cl.p.numparams - 1;", "$&\nkestrel.chargeFrame(n);"],
    ["let ncl = new lobject.LClosure(L, nup);", "kestrel.chargeClosure(nup);\n$&"],
  ],
  "ltm.js": [[...POP, 1]],
  "lapi.js": [[...POP, 16]],
  "ltable.js": [
    ["switch(typeof v) {", 'if (typeof v === "bigint") return kestrel.wideKey(v);\n$&'],
    ["return new Table(L);", "kestrel.chargeTable();\n$&"],
    ["const add = function(t, hash, key, value) {", "$&\nkestrel.chargeEntry();"],
    // Making an empty map empty costs more than adding to a table does.
    ["t.dead_strong.clear();", "if (t.dead_strong.size !== 0) t.dead_strong.clear();"],
    ["while (!luaH_getint(t, i).ttisnil()) i++;", "while (!luaH_getint(t, i).ttisnil()) kestrel.charge(1), i++;"],
    ["while (entry.key.ttisdeadkey());", "while (kestrel.charge(1), entry.key.ttisdeadkey());"],
  ],
  "ldo.js": [
    [...POP, 3],
    ["delete L.stack[i];", "L.stack[i] = void 0;", 2],
    ["let fsize = p.maxstacksize;", "$&\nkestrel.chargeFrame(fsize);"],
    ["const stackerror = function(L) {", "$&\nif (L.nCcalls >= LUAI_MAXCCALLS) kestrel.tooDeep();"],
    ['ldebug.luaG_runerror(L, to_luastring("stack overflow", true));', "kestrel.tooDeep();"],
  ],
  "lstate.js": [
    ["this.funcOff = NaN;", "$&\nthis.depth = 0;"],
    ["ci.previous = L.ci;", "$&\nkestrel.checkDepth(ci.depth = L.ci.depth + 1);"],
  ],
  // The name of what an error is about is searched in all the code before it.
  "ldebug.js": [
    [
      "const varinfo = function(L, o) {",
      "$&\nif (L.ci.callstatus & lstate.CIST_LUA) kestrel.charge(L.ci.func.value.p.code.length);",
    ],
  ],
  "llex.js": [
    [
      "lobject.luaO_str2num(luaZ_buffer(ls.buff), obj) === 0",
      "kestrel.readNumeral(luaZ_buffer(ls.buff), obj, lobject.luaO_str2num) === 0",
    ],
    ["lua_assert(obj.ttisfloat());", ""],
  ],
  "lcode.js": [
    ["while (next !== NO_JUMP) {  /* find last element */", "$&\nkestrel.parseStep();"],
    ["return new TValue(LUA_TNUMFLT, e.u.nval);", 'if (typeof e.u.nval === "bigint") return false;\n$&'],
    ["new TValue(LUA_TNUMFLT, r)", "new TValue(kestrel.constantType(r, LUA_TNUMFLT), r)"],
    ["lobject.luaO_arith(null, op, v1, v2, res);", "if (!kestrel.mayFold(op, v1, v2)) return 0;\n$&"],
  ],
  // A numeral of a megabyte is none.
  "lobject.js": [["const luaO_str2num = function(s, o) {", "$&\nif (s.length > 200) return 0;"]],
  // What is asserted holds in fengari; asking for it each time takes a tenth of the time of a script.
  "llimits.js": [['if (!c) throw Error("assertion failed");', ""]],
  "lparser.js": [
    [
      "for (let i = g; i < gl.n - 1; i++)\n        gl.arr[i]",
      "for (let i = g; i < gl.n - 1; i++) kestrel.parseStep(),\n        gl.arr[i]",
    ],
  ],
  "luaconf.js": [
    ["return String(Number(n.toPrecision(14)));", "return kestrel.spellFloat(n);"],
    ["conf.LUAI_MAXSTACK || 1000000", String(MOST_SLOTS)],
  ],
};

/** fengari's core, without its libraries, its bytecode and its strings. */
const FILES: readonly string[] = [
  ...[
    "defs",
    "llimits",
    "luaconf",
    "ljstype",
    "lzio",
    "lopcodes",
    "lfunc",
    "lobject",
    "lstate",
    "ltable",
    "ltm",
    "lvm",
  ],
  ...["ldo", "ldebug", "llex", "lparser", "lcode", "lapi"],
].map((name) => `${name}.js`);

const NO_BYTECODE = (): never => {
  throw new Error("bytecode is not supported");
};

/** What stands in for files of fengari's, and for the one module of Node that luaconf.js asks which system this is. */
const STANDINS: Readonly<Record<string, unknown>> = {
  "./lstring.js": LSTRING,
  "./lundump.js": { luaU_undump: NO_BYTECODE },
  "./ldump.js": { luaU_dump: NO_BYTECODE },
  os: { platform: (): string => "linux" },
};

/**
 * A file of fengari's with its places replaced.
 *
 * @throws Error when one of them is not there, or more often than it should be.
 */
export function withEdits(file: string, source: string): string {
  let edited = source;
  for (const [find, replacement, times = 1] of EDITS[file] ?? []) {
    const parts = edited.split(find);
    if (parts.length !== times + 1) throw new Error(`fengari is of another version: ${file} has no "${find}"`);
    edited = parts.join(replacement.replace("$&", () => find));
  }
  return edited;
}

type Compiled = (
  require: (name: string) => unknown,
  module: { exports: unknown },
  exports: unknown,
  process: object,
  kestrel: typeof SEAM,
) => void;

async function loadEdited(): Promise<Fengari> {
  const folder = dirname(createRequire(import.meta.url).resolve("fengari"));
  const sources = new Map(
    await Promise.all(
      FILES.map(async (file): Promise<[string, string]> => {
        const path = join(folder, file);
        return [`./${file}`, withEdits(file, await readFile(path, "utf8"))];
      }),
    ),
  );
  const modules = new Map<string, { exports: unknown }>();
  const load = (name: string): unknown => {
    if (Object.hasOwn(STANDINS, name)) return STANDINS[name];
    const loaded = modules.get(name);
    if (loaded !== undefined) return loaded.exports;
    const source = sources.get(name);
    if (source === undefined) throw new Error(`fengari is of another version: it asks for ${name}`);
    const module = { exports: {} as unknown };
    modules.set(name, module);
    const parameters = ["require", "module", "exports", "process", "kestrel"];
    const run = compileFunction(source, parameters, { filename: join(folder, name) }) as unknown as Compiled;
    // No variable of the environment changes the limits: luaconf.js would read some.
    run(load, module, module.exports, { env: {} }, SEAM);
    return module.exports;
  };
  load("./defs.js");
  const part = <K extends keyof Fengari>(name: K): Fengari[K] => load(`./${name}.js`) as Fengari[K];
  // lapi.js first: so the files that ask for one another are loaded in the order in which fengari loads them.
  const lapi = part("lapi");
  return {
    lapi,
    lobject: part("lobject"),
    ldo: part("ldo"),
    lstate: part("lstate"),
    ldebug: part("ldebug"),
    ltable: part("ltable"),
    lvm: part("lvm"),
  };
}

let loading: Promise<Fengari> | null = null;

/** fengari with the sandbox's limits in it; loaded once. Rejects when the fengari that is installed is not the one that this was written for. */
export function loadFengari(): Promise<Fengari> {
  loading ??= loadEdited();
  return loading;
}
