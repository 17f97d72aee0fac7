// Scripts that mean harm, or are wrong: each ends by a fault of the kind that is said, in bounded time and memory, and a rule
// beside it goes on. None of them may be ended by the clock: what they cost is counted.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ForeignFault, type ForeignInstance } from "@kestrel/runtime/foreign/foreign-host";
import { withEdits } from "@kestrel/runtime/foreign/lua/load-fengari";
import { LONGEST_SCRIPT } from "@kestrel/stdlib/host-api";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createFakeHost, createScript, evaluateLua, faultOf, LIMITS, prepareLua } from "./support/lua-rule.js";

/** Seconds of the processor for any of the scripts below; on one core of 2020 the slowest takes 0.4. */
const MOST_SECONDS = 4;
/** How much the process may grow: garbage that nothing has collected is a part of it. */
const MOST_GROWTH = 8 * LIMITS.memoryBytes;

const evaluating = (body: string): string => `function pred_eval(event) ${body} end`;

const ENDLESS: Readonly<Record<string, string>> = {
  "a loop": evaluating("while true do end"),
  "a loop in pcall in a loop": evaluating("while true do pcall(function() while true do end end) end"),
  "a loop under a handler of errors": evaluating(
    "while true do xpcall(function() while true do end end, function() return 1 end) end",
  ),
  "a loop in the main chunk": "while true do end",
  "a loop in pred_init": `function pred_init() while true do end end ${evaluating("return true")}`,
  "a loop in pred_capture": `${evaluating("return true")} function pred_capture() while true do end end`,
  "a loop in a comparison for a sort": evaluating("table.sort({1, 2, 3}, function() while true do end end)"),
  "a loop in a metamethod": evaluating(
    "local t = setmetatable({}, {__index = function() while true do end end}) return t.x",
  ),
  "a function that calls itself in the end": "local function f() return f() end function pred_eval() return f() end",
  "a loop to the last integer": evaluating("for i = 2147483646, math.maxinteger do end while true do end"),
};

const DEEP: Readonly<Record<string, string>> = {
  recursion: "local function f() return 1 + f() end function pred_eval() return f() end",
  "recursion through pcall": "local function f() return pcall(f) end function pred_eval() return f() end",
  "recursion through two pcalls": "local function f() pcall(f) pcall(f) end function pred_eval() f() return true end",
  "recursion of a handler of errors": evaluating("return xpcall(error, function(e) error(e) end)"),
  "recursion through a metamethod": evaluating(
    "local t = setmetatable({}, {}) getmetatable(t).__index = function(s, k) return s[k] end return t.x",
  ),
  "recursion through tostring": evaluating(
    "local t = setmetatable({}, {__tostring = function(s) return tostring(s) end}) return tostring(t)",
  ),
  "recursion with large frames": `local function f() ${Array.from({ length: 180 }, (_, i) => `local a${i} = 1`).join(" ")} return f() + 1 end
     function pred_eval() return f() end`,
  "brackets in brackets": `x = ${"(".repeat(5000)}1${")".repeat(5000)}`,
  "tables in tables": `x = ${"{".repeat(5000)}`,
  "blocks in blocks": "do ".repeat(5000),
  "functions in functions": `x = ${"function() return ".repeat(5000)}`,
  "signs before signs": `x = ${"- ".repeat(5000)}1`,
  "powers of powers": `x = ${"2^".repeat(5000)}1`,
};

const LARGE: Readonly<Record<string, string>> = {
  "a text that doubles": evaluating("local s = 'xxxxxxxxxxxxxxxx' while true do s = s .. s end"),
  "a hundred large texts joined at once": evaluating(
    `local s = string.rep('x', 5e6) return ${Array.from({ length: 100 }, () => "s").join(" .. ")}`,
  ),
  "string.rep": evaluating("return string.rep('x', 1e9)"),
  "string.rep beyond 32 bits": evaluating("return ('xxxxxxxx'):rep(0x7fffffff)"),
  "string.rep with a separator": evaluating("return string.rep('', 2e9, 'x')"),
  "string.rep into a table": evaluating("local t = {} for i = 1, 1e9 do t[i] = string.rep('x', 1e6) .. i end"),
  "table.concat": evaluating("local t = {} for i = 1, 9000 do t[i] = ('x'):rep(2000) end return table.concat(t)"),
  "a table that grows": evaluating("local t = {} for i = 1, 1e9 do t[i] = i end"),
  "a table with names that grow": evaluating("local t, k = {}, 'k' for i = 1, 1e9 do t[k .. i] = true end"),
  "tables in tables at run time": evaluating("local t = {} while true do t = {t} end"),
  closures: evaluating("local t, i = {}, 0 while true do i = i + 1 local j = i t[i] = function() return j end end"),
  "wide integers": evaluating("local t = {} for i = 1, 1e9 do t[i] = math.maxinteger - i end"),
  "a metatable that is filled": evaluating(
    "local t = setmetatable({}, {}) for i = 1, 1e9 do getmetatable(t)[i] = i end",
  ),
  "table.insert at the end": evaluating("local t = {} while true do t[#t + 1] = 'x' end"),
};

/** What JavaScript does for one instruction: charged, or it would take minutes. */
const WORK: Readonly<Record<string, string>> = {
  "table.move of all there is": evaluating("table.move({}, 1, 2147483646, 1) return true"),
  "table.insert at the front": evaluating("local t = {} while true do table.insert(t, 1, 1) end"),
  "table.remove at the front": evaluating(
    "local t = {} for i = 1, 20000 do t[i] = i end while true do table.remove(t, 1) table.insert(t, 1) end",
  ),
  "table.sort again and again": evaluating(
    "local t = {} for i = 1, 20000 do t[i] = i * 7919 % 20011 end while true do table.sort(t) end",
  ),
  "many arguments": `local function f(...) return f(1, ...) end
    ${evaluating("local t = {} for i = 1, 7000 do t[i] = i end f(table.unpack(t))")}`,
  "select of many": `local function f(...) while true do local a = select(2, ...) end end
    ${evaluating("local t = {} for i = 1, 7000 do t[i] = i end f(table.unpack(t))")}`,
  "tables of many arguments": `local function f(...) while true do local a = {...} end end
    ${evaluating("local t = {} for i = 1, 7000 do t[i] = i end f(table.unpack(t))")}`,
  "a chain of __index": `local t = {} local u = t
    for i = 1, 1990 do local n = {} setmetatable(u, {__index = n}) u = n end
    ${evaluating("while true do local x = t.x end")}`,
  "string.find in periodic text": evaluating(
    "local s, p = ('a'):rep(1e6), ('a'):rep(5000) .. 'b' while true do s:find(p, 1, true) end",
  ),
  "large equal texts": evaluating("local a, b = ('a'):rep(1e6), ('a'):rep(1e6) while a == b do end"),
  "large texts in order": evaluating("local a, b = ('a'):rep(1e6), ('a'):rep(1e6) .. 'b' while a < b do end"),
  "large texts as keys": evaluating("local t, s = {}, ('a'):rep(1e6) while true do t[s .. 1] = nil end"),
  "one large text as a key": evaluating("local t, s = {}, ('a'):rep(1e6) t[s] = 1 while t[s] do end"),
  "large numerals": evaluating("local s = ('1'):rep(1e6) while not tonumber(s) do end"),
  "arithmetic on large texts": evaluating(
    "local s = (' '):rep(1e6) .. '1' while true do pcall(function() return s + 1 end) end",
  ),
  "upper and lower": evaluating("local s = ('a'):rep(1e6) while true do s:upper() end"),
  "string.format": evaluating("local s = ('x'):rep(1e6) while true do string.format('%s%s', s, s) end"),
  "the length of a table with gaps at powers of two": evaluating(
    `local t = {} for i = 1, 20000 do t[i] = i end
     local k = #t + 2 while k < 2 ^ 31 do t[k] = 1 k = k * 2 end
     while true do local n = #t end`,
  ),
  "next over keys that are gone": evaluating(
    `local t = {} for i = 1, 20000 do t['k' .. i] = i end
     for i = 1, 20000 do t['k' .. i] = nil end
     while true do next(t, 'k1') end`,
  ),
  "errors in long functions": evaluating(
    `local a local function f() ${"a = a ".repeat(20000)} a.b = 1 end while true do pcall(f) end`,
  ),
  "large frames": `local function f() ${Array.from({ length: 190 }, (_, i) => `local a${i} = 1`).join(" ")} end
     ${evaluating("while true do f() end")}`,
  "wide arithmetic": evaluating("local a = math.maxinteger while true do a = a * 3 + 1 end"),
  "keys that come and go": evaluating(
    "local t, i = {}, 0 while true do i = i + 1 t['k' .. i] = 1 t['k' .. i] = nil end",
  ),
  "a chain of or": `local a = x ${"or x ".repeat(50000)} ${evaluating("return true")}`,
  "many gotos to one label": `do ${"goto x ".repeat(35000)} ::x:: end ${evaluating("return true")}`,
  "patterns of the package": evaluating("local s = ('x'):rep(1e6) while kestrel.re_match(1, s) do end"),
};

/** Ways out, and what is not there. */
const OUTSIDE: Readonly<Record<string, string>> = {
  "os.execute": evaluating("os.execute('id') return true"),
  "io.open": evaluating("return io.open('/etc/passwd') ~= nil"),
  load: evaluating("return load('return true')()"),
  loadstring: evaluating("return loadstring('return true')()"),
  loadfile: evaluating("return loadfile('/etc/passwd')()"),
  dofile: evaluating("return dofile('/etc/passwd')"),
  require: evaluating("return require('fs') ~= nil"),
  package: evaluating("return package.loaded ~= nil"),
  debug: evaluating("debug.sethook() return true"),
  "string.dump": evaluating("return string.dump(pred_eval) ~= nil"),
  collectgarbage: evaluating("return collectgarbage() == 0"),
  coroutine: evaluating("return coroutine.wrap(function() return true end)()"),
  print: evaluating("print('x') return true"),
  "string.gsub": evaluating("return ('x'):gsub('x', 'y') == 'y'"),
  "string.match": evaluating("return ('x'):match('x') == 'x'"),
  "a pattern in string.find": evaluating("return ('x'):find('.') == 1"),
  "the metatable of strings": evaluating("getmetatable('').__index = nil return true"),
  "the metatable of wide integers": evaluating("getmetatable(math.maxinteger).__add = nil return true"),
  "setmetatable of a string": evaluating("setmetatable('', {}) return true"),
  "the metatable of kestrel.fields": evaluating("setmetatable(kestrel.fields, nil) return true"),
  "a field that is misspelled": evaluating("return kestrel.event_has(event, kestrel.fields['process.nmae'])"),
  "a key that is NaN": evaluating("local t = {} t[0 / 0] = 1 return true"),
  "an error that is a table": evaluating("error({})"),
  "an error": evaluating("error('no')"),
  "a division by zero": evaluating("return 1 // 0 == 0"),
  "a table compared with a number": evaluating("return {} < 1"),
  "what is not Lua": "this is not a script",
  "an unfinished text": "x = 'abc",
  "no pred_eval": "x = 1",
};

const TYPES: Readonly<Record<string, string>> = {
  "pred_eval returns a number": evaluating("return 1"),
  "pred_eval returns nothing": evaluating(""),
  "pred_eval returns nil": evaluating("return nil"),
  "pred_eval is a number": "pred_eval = 1",
  "pred_init returns a text": `function pred_init() return '0' end ${evaluating("return true")}`,
  "pred_init is a table": `pred_init = {} ${evaluating("return true")}`,
  "pred_capture returns a text": `${evaluating("return true")} function pred_capture() return 'x' end`,
  "pred_capture returns a list": `${evaluating("return true")} function pred_capture() return {'x'} end`,
  "pred_capture returns a table of tables": `${evaluating("return true")} function pred_capture() return {a = {}} end`,
  "pred_capture returns a function": `${evaluating("return true")} function pred_capture() return {a = type} end`,
  "pred_capture returns too much": `${evaluating("return true")}
    function pred_capture() local t = {} for i = 1, 65 do t['k' .. i] = i end return t end`,
};

const HOST: Readonly<Record<string, string>> = {
  "another event": evaluating("return kestrel.event_has(2, 2)"),
  "another event, under pcall": evaluating("pcall(kestrel.event_has, 2, 2) return true"),
  "a field that the package has not": evaluating("return kestrel.event_has(event, 4711)"),
  "a field that the package has not, under pcall": evaluating("pcall(kestrel.event_get_str, event, -1) return true"),
  "a pattern that the package has not": evaluating("return kestrel.re_match(4711, 'x')"),
  "a capture of a field that the package has not": evaluating("kestrel.capture_field(4711) return true"),
};

const sandbox = suite("lua sandbox");
let neighbour: ForeignInstance;

sandbox.before(async () => {
  await prepareLua();
  neighbour = createScript(
    "local seen = 0 function pred_eval(event) seen = seen + 1 return kestrel.event_get_str(event, 2) == 'cmd.exe' end",
    createFakeHost({ 2: ["cmd.exe"] }),
  );
});

function holds(source: string, kind: string): void {
  const rss = process.memoryUsage().rss;
  const before = process.cpuUsage();
  // Fuel ends what is endless, and the sooner the better; what is large needs all of it.
  const fuel = kind === "fuel" ? LIMITS.fuel / 4 : LIMITS.fuel;
  const fault = faultOf(source, undefined, { ...LIMITS, fuel });
  const used = process.cpuUsage(before);
  assert.is(fault.kind, kind, fault.message);
  assert.ok(used.user + used.system < MOST_SECONDS * 1e6, `took ${(used.user + used.system) / 1e6} seconds`);
  const grown = process.memoryUsage().rss - rss;
  assert.ok(grown < MOST_GROWTH, `grew by ${grown} bytes`);
  assert.is(neighbour.evaluate(), true);
}

for (const [kind, scripts] of [
  ["fuel", ENDLESS],
  ["depth", DEEP],
  ["memory", LARGE],
  ["fuel", WORK],
  ["error", OUTSIDE],
  ["type", TYPES],
  ["host", HOST],
] as const)
  for (const [name, source] of Object.entries(scripts))
    sandbox(`${kind}: ${name}`, () => {
      holds(source, kind);
    });

sandbox("init: pred_init returns 3", () => {
  const fault = faultOf(`function pred_init() return 3 end ${evaluating("return true")}`);
  assert.is(fault.kind, "init");
  assert.match(fault.message, /3/);
});

sandbox("bytecode and large sources are refused", () => {
  assert.is(faultOf(Uint8Array.of(0x1b, 0x4c, 0x75, 0x61, 0x53, 0)).kind, "error");
  assert.match(faultOf(Uint8Array.of(0x1b, 0x4c, 0x75, 0x61)).message, /bytecode/);
  assert.is(faultOf(new Uint8Array(LONGEST_SCRIPT + 1).fill(0x20)).kind, "memory");
});

sandbox("invalid UTF-8 is bytes to a script, and text to whoever reads of it", () => {
  const bytes = Buffer.from("function pred_eval() error('\xff\x00\x1b[31m\u2028x') end", "latin1");
  const { kind, message } = faultOf(bytes);
  assert.is(kind, "error");
  assert.match(message, /^predicate\.lua:1: \ufffd\\u\{0\}\\u\{1b\}\[31m/);
});

sandbox("a message is short, and on one line", () => {
  const { message } = faultOf(evaluating("\nerror(string.rep('\\27[31m\\n', 100000))"));
  assert.ok(message.length <= 200);
  assert.match(message, /^predicate\.lua:2: /);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there.
  assert.not.match(message, /[\x00-\x1f]/);
});

sandbox("the clock ends what fuel allows", () => {
  const limits = { ...LIMITS, fuel: 1e12, milliseconds: 20 };
  assert.is(faultOf(evaluating("while true do end"), undefined, limits).kind, "time");
  assert.is(faultOf(evaluating("local t = {} while true do table.sort(t) end"), undefined, limits).kind, "time");
});

sandbox("after a fault an instance answers nothing but the fault", () => {
  const instance = createScript(
    "local n = 0 function pred_eval() n = n + 1 if n == 2 then while true do end end return true end",
  );
  assert.is(instance.evaluate(), true);
  let first: unknown;
  assert.throws(
    () => instance.evaluate(),
    (error: unknown) => {
      first = error;
      return error instanceof ForeignFault && error.kind === "fuel";
    },
  );
  assert.throws(
    () => instance.evaluate(),
    (error: unknown) => error === first,
  );
});

sandbox("fuel is counted from each evaluation's begin, to the instruction", () => {
  const script = "function pred_eval() for i = 1, 40000 do end return true end";
  const ends = (fuel: number): boolean => {
    const instance = createScript(script, undefined, { ...LIMITS, fuel });
    for (let i = 0; i < 50; i++) if (!instance.evaluate()) return false;
    return true;
  };
  assert.ok(ends(41_000));
  assert.throws(() => ends(39_000), /39000 instructions/);
});

sandbox("what is kept from event to event is found", () => {
  const instance = createScript("kept = {} function pred_eval() kept[#kept + 1] = ('x'):rep(1000) return true end");
  let evaluations = 0;
  assert.throws(
    () => {
      for (; evaluations < 100_000; evaluations++) instance.evaluate();
    },
    (error: unknown) => error instanceof ForeignFault && error.kind === "memory",
  );
  // A text of 1000 bytes and its place in a table.
  const bytes = evaluations * 1276;
  assert.ok(bytes > LIMITS.memoryBytes * 0.9 && bytes < LIMITS.memoryBytes * 1.6, `${evaluations} evaluations`);
});

sandbox("what is not kept is not counted", () => {
  const script = `last = nil
    function pred_eval() local t = {} for i = 1, 100 do t[i] = ('x'):rep(1000) .. i end last = t return true end`;
  const instance = createScript(script, undefined, { ...LIMITS, memoryBytes: 1 << 20 });
  for (let i = 0; i < 500; i++) assert.is(instance.evaluate(), true);
});

sandbox("a small limit of memory is what a script may hold, beside what every state has", () => {
  const holdsBytes = (count: number): boolean => {
    const script = `held = ('x'):rep(${count}) ${evaluating("return #held > 0")}`;
    return createScript(script, undefined, { ...LIMITS, memoryBytes: 64 * 1024 }).evaluate();
  };
  assert.is(holdsBytes(30_000), true);
  assert.throws(() => holdsBytes(70_000), /65536 bytes/);
});

sandbox("a script is a part of what its state holds", () => {
  const script = `f = {} ${"f[#f + 1] = function() end ".repeat(2000)} ${evaluating("return true")}`;
  assert.is(createScript(script).evaluate(), true);
  const fault = faultOf(script, undefined, { ...LIMITS, memoryBytes: 1 << 20 });
  assert.is(fault.kind, "memory");
});

sandbox("a fengari that is not the one whose places are known is not loaded", () => {
  const folder = dirname(createRequire(import.meta.url).resolve("fengari"));
  const source = readFileSync(join(folder, "lvm.js"), "utf8");
  assert.ok(withEdits("lvm.js", source).includes("kestrel.setInteger"));
  assert.throws(() => withEdits("lvm.js", source.replace("op1.value + op2.value", "op2.value + op1.value")), /version/);
  assert.throws(() => withEdits("lvm.js", source + source), /version/);
});

sandbox("states share nothing", () => {
  const poison = createScript(
    `string.upper = nil table.sort = nil kestrel.event_has = nil math = nil
     setmetatable(_G, {__index = function() return 'poison' end})
     function pred_eval() return nothing == 'poison' end`,
  );
  assert.is(poison.evaluate(), true);
  const clean = createScript(
    `function pred_eval(event)
       return nothing == nil and ('x'):upper() == 'X' and table.sort ~= nil and not kestrel.event_has(event, 2) and math.pi > 3
     end`,
  );
  assert.is(clean.evaluate(), true);
});

sandbox("no name leads out of the sandbox", () => {
  const names =
    "local names = {} for k, v in pairs(_G) do if k ~= '_G' then names[#names + 1] = k end end table.sort(names)";
  const expected =
    "_VERSION assert error getmetatable ipairs kestrel math next pairs pcall pred_eval rawequal rawget rawlen rawset select " +
    "setmetatable string table tonumber tostring type xpcall";
  assert.is(evaluateLua("table.concat(names, ' ')", `function pred_eval() end ${names}`), expected);
});

sandbox("a faulty script keeps its error from others", () => {
  assert.is(evaluateLua("select(2, pcall(error, 'x'))"), "x");
  assert.is(
    evaluateLua("select(2, pcall(function() local a = nil; return a.b end))"),
    "predicate.lua:3: attempt to index a nil value (local 'a')",
  );
});

sandbox.run();
