// What a script can do: the Host API, integers of 64 bits, and the libraries, as docs/lua.md says.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DEEPEST_CALL } from "@kestrel/runtime/foreign/lua/meter";
import {
  FOREIGN_FUEL,
  FOREIGN_MEMORY_BYTES,
  FOREIGN_MILLISECONDS,
  HOST_FUNCTIONS,
  LONGEST_SCRIPT,
  MOST_CAPTURE_BYTES,
  MOST_CAPTURES,
} from "@kestrel/stdlib/host-api";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createFakeHost, createScript, evaluateLua, faultOf, LIMITS, prepareLua } from "./support/lua-rule.js";
import { repositoryRoot } from "./support/repository.js";

const bindings = suite("lua bindings");
bindings.before(prepareLua);

const EVENT = {
  1: [4711n],
  2: ["cmd.exe", "übel", "x"],
  3: [2n ** 40n, 5n, -1n],
  4: [1.5],
  5: [true],
  6: [false],
  7: [Uint8Array.of(0xff, 0, 0x41)],
  8: [-(2n ** 63n)],
};

/** What an expression gives for EVENT. */
function onEvent(expression: string): string {
  const script = `function pred_eval() return true end
    function pred_capture(event) return { value = tostring(${expression}) } end`;
  return createScript(script, createFakeHost(EVENT)).capture()[0]?.[1] ?? "";
}

bindings("are the functions of the table, and no others but equal, fields and int64", () => {
  const names = "local names = {} for name in pairs(kestrel) do names[#names + 1] = name end table.sort(names)";
  const expected = [...HOST_FUNCTIONS.map(({ name }) => name), "equal", "fields", "int64"].sort();
  assert.equal(evaluateLua("table.concat(names, ' ')", names).split(" "), expected);
});

/** An argument of each kind that the table names. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  event: "event",
  field: "2",
  index: "1",
  re_id: "3",
  glob_id: "3",
  text: "'abcd'",
};

bindings("take the parameters of the table, and need each of them", () => {
  for (const { name, lua } of HOST_FUNCTIONS) {
    const given = lua.parameters.map((parameter) => ARGUMENTS[parameter] ?? "?");
    const call = (parameters: readonly string[]) =>
      createScript(
        `function pred_eval(event) kestrel.${name}(${parameters.join(", ")}) return true end`,
        createFakeHost(EVENT),
      );
    assert.is(call(given).evaluate(), true, name);
    for (let missing = 0; missing < given.length; missing++)
      assert.throws(() => call(given.slice(0, missing)).evaluate(), /ForeignFault|expected|event/, name);
  }
});

bindings("give results of the types that the table says, and nil for what is missing", () => {
  const types = (text: string): string[] => text.split(" or ");
  for (const { name, lua } of HOST_FUNCTIONS) {
    const fields = lua.parameters.includes("field") ? Object.keys(EVENT).concat("0", "9") : ["0"];
    const seen = new Set<string>();
    for (const field of fields) {
      const given = lua.parameters.map((parameter) => (parameter === "field" ? field : ARGUMENTS[parameter]));
      const call = `kestrel.${name}(${given.join(", ")})`;
      seen.add(onEvent(`math.type(${call}) == 'integer' and 'integer' or type(${call})`));
    }
    for (const type of seen) {
      const allowed = types(lua.result);
      assert.ok(allowed.includes(type) || (type === "integer" && allowed.includes("number")), `${name}: ${type}`);
    }
    if (lua.result.includes("nil")) assert.ok(seen.has("nil") && seen.size > 1, name);
  }
});

const READINGS: readonly (readonly [expression: string, value: string])[] = [
  ["kestrel.event_get_i64(event, 1)", "4711"],
  ["kestrel.event_get_i64(event, 3)", "1099511627776"],
  ["kestrel.event_get_u64(event, 3)", "1099511627776"],
  ["kestrel.event_get_i64_at(event, 3, 1)", "5"],
  ["kestrel.event_get_i64_at(event, 3, 2)", "-1"],
  ["kestrel.event_get_i64_at(event, 3, 3)", "nil"],
  ["kestrel.event_get_i64(event, 8)", "-9223372036854775808"],
  ["kestrel.event_get_i64(event, 2)", "nil"],
  ["kestrel.event_get_str(event, 2)", "cmd.exe"],
  ["kestrel.event_get_str_at(event, 2, 1)", "übel"],
  ["#kestrel.event_get_str_at(event, 2, 1)", "5"],
  ["kestrel.event_get_str_at(event, 2, 3)", "nil"],
  ["kestrel.event_get_str(event, 7):byte(1)", "255"],
  ["#kestrel.event_get_str(event, 7)", "3"],
  ["kestrel.event_get_str(event, 1)", "nil"],
  ["kestrel.event_get_f64(event, 4)", "1.5"],
  ["kestrel.event_get_f64(event, 1)", "4711.0"],
  ["kestrel.event_get_bool(event, 5)", "true"],
  ["kestrel.event_get_bool(event, 6)", "false"],
  ["kestrel.event_get_bool(event, 1)", "nil"],
  ["kestrel.event_has(event, 6)", "true"],
  ["kestrel.event_has(event, 9)", "false"],
  ["kestrel.event_count(event, 2)", "3"],
  ["kestrel.event_count(event, 9)", "0"],
  ["kestrel.re_match(2, 'abc')", "true"],
  ["kestrel.glob_match(3, 'abc')", "false"],
  ["kestrel.alert_emit(event)", "0"],
];

for (const [expression, value] of READINGS)
  bindings(`${expression} is ${value}`, () => {
    assert.is(onEvent(expression), value);
  });

bindings("hand the host what a script says", () => {
  const host = createFakeHost(EVENT);
  const script = `function pred_eval(event)
    kestrel.capture_field(2) kestrel.alert_emit(event) return kestrel.re_match(2, 'ä' .. 1) and not kestrel.glob_match(9, 'x')
  end`;
  assert.is(createScript(script, host).evaluate(), true);
  assert.equal(host.calls, ["capture 2", "emit", "regex 2 ä1", "glob 9 x"]);
});

bindings("give the ids of the fields that the package declares", () => {
  const fields = new Map([
    ["process.name", 2],
    ["process.pid", 1],
  ]);
  const script =
    "local NAME = kestrel.fields['process.name'] function pred_eval(event) return kestrel.event_get_str(event, NAME) == 'cmd.exe' end";
  assert.is(createScript(script, createFakeHost(EVENT), LIMITS, fields).evaluate(), true);
  assert.match(faultOf("local x = kestrel.fields['process.nmae']").message, /kestrel\.fields has no "process\.nmae"/);
});

bindings("keep a text when the host has gone on to the next event", () => {
  const bytes = new TextEncoder().encode("first");
  const host = createFakeHost({ 2: [bytes] });
  const instance = createScript(
    "local last function pred_eval(event) local was = last last = kestrel.event_get_str(event, 2) return was == 'first' end",
    host,
  );
  assert.is(instance.evaluate(), false);
  bytes.fill(0x78);
  assert.is(instance.evaluate(), true);
});

bindings("captures are sorted texts; there may be none", () => {
  const script = `function pred_eval() return true end
    function pred_capture() return { b = 'x', a = 1, c = true, ['\\xff'] = 2.0, d = math.maxinteger } end`;
  assert.equal(createScript(script).capture(), [
    ["a", "1"],
    ["b", "x"],
    ["c", "true"],
    ["d", "9223372036854775807"],
    ["\ufffd", "2.0"],
  ]);
  assert.equal(createScript("function pred_eval() return true end").capture(), []);
  assert.equal(
    createScript("function pred_eval() return true end function pred_capture() return {} end").capture(),
    [],
  );
  const most = `function pred_eval() return true end
    function pred_capture() local t = {} for i = 1, ${MOST_CAPTURES} do t['k' .. i] = i end return t end`;
  assert.is(createScript(most).capture().length, MOST_CAPTURES);
});

bindings("captures have a size, however often they name one text", () => {
  const naming = (names: number, bytes: number): string => `local text = string.rep('x', ${bytes})
    function pred_eval() return true end
    function pred_capture() local t = {} for i = 10, ${9 + names} do t['k' .. i] = text end return t end`;
  assert.is(createScript(naming(1, MOST_CAPTURE_BYTES - 3)).capture()[0]?.[1].length, MOST_CAPTURE_BYTES - 3);
  for (const script of [naming(1, MOST_CAPTURE_BYTES - 2), naming(64, 7_000_000)]) {
    const { kind, message } = faultOf(script);
    assert.equal([kind, message], ["host", `pred_capture gave more than ${MOST_CAPTURE_BYTES} bytes`]);
  }
});

bindings("pred_init may return nothing or 0, and is called once", () => {
  for (const result of ["", "return 0", "return 0.0", "return nil"]) {
    const instance = createScript(
      `calls = 0 function pred_init() calls = calls + 1 ${result} end function pred_eval() return calls == 1 end`,
    );
    instance.init();
    assert.is(instance.evaluate(), true, result);
  }
});

bindings("a script that asks nothing of the host asks nothing of the event", () => {
  assert.is(createScript("function pred_eval(event) return event == 1 end").evaluate(), true);
});

bindings.run();

const integers = suite("lua integers");
integers.before(prepareLua);

/** What Lua 5.3 gives for each. */
const INTEGERS: readonly (readonly [expression: string, value: string])[] = [
  ["2147483647 + 1", "2147483648"],
  ["-2147483648 - 1", "-2147483649"],
  ["65536 * 65536", "4294967296"],
  ["2147483647 * 2147483647 * 4", "-17179869180"],
  ["-(-2147483648)", "2147483648"],
  ["-2147483648 // -1", "2147483648"],
  ["9223372036854775807 + 1", "-9223372036854775808"],
  ["9223372036854775807", "9223372036854775807"],
  ["9223372036854775808", "9.2233720368548e+18"],
  ["-9223372036854775807 - 1 == math.mininteger", "true"],
  ["math.maxinteger * 2", "-2"],
  ["math.mininteger // -1", "-9223372036854775808"],
  ["math.mininteger % -1", "0"],
  ["0xffffffff", "4294967295"],
  ["0xffffffffffffffff", "-1"],
  ["0x1ffffffffffffffff", "-1"],
  ["1 << 31", "2147483648"],
  ["1 << 62", "4611686018427387904"],
  ["1 << 63", "-9223372036854775808"],
  ["1 << 64", "0"],
  ["-1 >> 1", "9223372036854775807"],
  ["-1 >> 63", "1"],
  ["-1 << -60", "15"],
  ["1099511627776 >> 40", "1"],
  ["1099511627776 & 0xff0000000000", "1099511627776"],
  ["1099511627776 | 1", "1099511627777"],
  ["1099511627777 ~ 1099511627776", "1"],
  ["~1099511627776", "-1099511627777"],
  ["1099511627776 // 3", "366503875925"],
  ["-1099511627776 // 3", "-366503875926"],
  ["-1099511627776 % 7", "5"],
  ["1099511627776 % -7", "-5"],
  ["1099511627776 / 2", "549755813888.0"],
  ["1099511627776 ^ 2", "1.2089258196146e+24"],
  ["1099511627776 + 0.5", "1099511627776.5"],
  ["1099511627776 - 1099511627775", "1"],
  ["1099511627776 - 1099511627775 == 1", "true"],
  ["1099511627776 == 1099511627776.0", "true"],
  ["1099511627776 == 2 ^ 40", "true"],
  ["9007199254740993 == 2 ^ 53", "false"],
  ["9007199254740993 > 2 ^ 53", "true"],
  ["9007199254740993 <= 2 ^ 53", "false"],
  ["1099511627776 == '1099511627776'", "false"],
  ["1099511627776 < 1099511627777", "true"],
  ["1099511627776 <= 1", "false"],
  ["1 < 1099511627776", "true"],
  ["-1099511627776 < 1", "true"],
  ["1099511627776 == 1099511627776", "true"],
  ["rawequal(1099511627776, 1 << 40)", "true"],
  ["({[1099511627776] = 'x'})[1 << 40]", "x"],
  ["1099511627776 .. ''", "1099511627776"],
  ["'a' .. 1099511627776 .. 'b'", "a1099511627776b"],
  ["'1' + 1099511627776", "1099511627777.0"],
  ["'1' + 1", "2.0"],
  ["'1' | 1099511627776", "1099511627777"],
  ["2 ^ 40 & 1099511627777", "1099511627776"],
  ["2.0 ^ 40 | 1", "1099511627777"],
  ["~(2 ^ 40)", "-1099511627777"],
  ["2 ^ 40 >> 40", "1"],
  ["pcall(function() return 0.5 | 1 end)", "false"],
  ["pcall(function() return 2 ^ 63 | 1 end)", "false"],
  ["pcall(function() return 1 | nil end)", "false"],
  ["({[2 ^ 40] = 'x'})[1 << 40]", "x"],
  ["({[1 << 62] = 'x'})[2 ^ 62]", "x"],
  ["({[(1 << 53) + 1] = 'x'})[2 ^ 53]", "nil"],
  ["pcall(function() for i = 1 << 40, 1 << 41 do end end)", "false"],
  ["tostring(1099511627776)", "1099511627776"],
  ["tonumber('1099511627776') == 1 << 40", "true"],
  ["tonumber('0xffffffff')", "4294967295"],
  ["tonumber('99999999999999999999')", "1e+20"],
  ["tonumber('ffffffffff', 16)", "1099511627775"],
  ["type(1099511627776)", "number"],
  ["math.type(1099511627776)", "integer"],
  ["math.type(1)", "integer"],
  ["math.type(1.0)", "float"],
  ["math.tointeger(2.0 ^ 40)", "1099511627776"],
  ["math.tointeger(0.5)", "nil"],
  ["math.ult(1, -1)", "true"],
  ["math.abs(math.mininteger + 1)", "9223372036854775807"],
  ["math.max(1, 1099511627776, 2.5)", "1099511627776"],
  ["math.min(1, -1099511627776, 2.5)", "-1099511627776"],
  ["math.floor(2.0 ^ 40 + 0.5)", "1099511627776"],
  ["math.fmod(-1099511627776, 7)", "-2"],
  ["string.format('%d %x %5d|', 1099511627776, 0xffffffffff, 3)", "1099511627776 ffffffffff     3|"],
  ["string.format('%s %.1f', 1099511627776, 1099511627776)", "1099511627776 1099511627776.0"],
  ["kestrel.int64('1099511627776')", "1099511627776"],
  ["kestrel.int64('0xffffffffffffffff')", "-1"],
  ["kestrel.int64(2.0 ^ 40)", "1099511627776"],
  ["kestrel.int64('9223372036854775808')", "nil"],
  ["kestrel.int64('x')", "nil"],
  ["kestrel.int64(0.5)", "nil"],
  ["kestrel.equal(1099511627776, 2.0 ^ 40)", "true"],
  ["kestrel.equal(1, 1.0)", "true"],
  ["kestrel.equal('1', 1)", "false"],
  ["0 * -1 == 0 and 1 / (0 * -1)", "inf"],
];

for (const [expression, value] of INTEGERS)
  integers(`${expression} is ${value}`, () => {
    assert.is(evaluateLua(expression), value);
    // The parser computes what is constant; the interpreter has to give the same.
    const once = `local function v(x) return x end`;
    const spelled = expression.replace(/(?<![\w.'[])(\d\w*)(?![\w.'])/g, "v($1)");
    if (!expression.includes("'")) assert.is(evaluateLua(spelled, once), value, spelled);
  });

integers("arithmetic of random integers is that of 64 bits", () => {
  let state = 7;
  const random = (): bigint => {
    let value = 0n;
    for (let i = 0; i < 4; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      value = (value << 16n) | BigInt((state >>> 16) & 0xffff);
    }
    return BigInt.asIntN(64, value) >> BigInt((state >>> 8) & 63);
  };
  const floor = (a: bigint, b: bigint): bigint => (a % b !== 0n && a < 0n !== b < 0n ? a / b - 1n : a / b);
  const operations: readonly (readonly [string, (a: bigint, b: bigint) => bigint])[] = [
    ["+", (a, b) => a + b],
    ["-", (a, b) => a - b],
    ["*", (a, b) => a * b],
    ["//", floor],
    ["%", (a, b) => a - floor(a, b) * b],
    ["&", (a, b) => a & b],
    ["|", (a, b) => a | b],
    ["~", (a, b) => a ^ b],
  ];
  const lines: string[] = [];
  const expected: string[] = [];
  for (let i = 0; i < 200; i++) {
    const [a, b] = [random(), random() || 1n];
    for (const [operator, compute] of operations) {
      lines.push(`r[#r + 1] = tostring(kestrel.int64('${a}') ${operator} kestrel.int64('${b}'))`);
      expected.push(String(BigInt.asIntN(64, compute(a, b))));
    }
    lines.push(`r[#r + 1] = tostring(kestrel.int64('${a}') < kestrel.int64('${b}'))`);
    expected.push(String(a < b));
  }
  // A function has no room for more constants than this at once.
  const parts = Array.from({ length: Math.ceil(lines.length / 100) }, (_, i) => lines.slice(100 * i, 100 * i + 100));
  const script = `r = {} ${parts.map((part) => `(function() ${part.join("\n")} end)();`).join("\n")}`;
  assert.equal(evaluateLua("table.concat(r, ' ')", script).split(" "), expected);
});

integers("loops count within 32 bits and end there", () => {
  assert.is(evaluateLua("n", "n = 0 for i = 2147483646, math.maxinteger do n = n + 1 end"), "2");
  assert.is(evaluateLua("n", "n = 0 for i = -2147483647, math.mininteger, -1 do n = n + 1 end"), "2");
});

integers.run();

const libraries = suite("lua libraries");
libraries.before(prepareLua);

const VALUES: readonly (readonly [expression: string, value: string])[] = [
  ["('abc'):upper() .. ('ABC'):lower() .. ('abc'):reverse()", "ABCabccba"],
  ["('abcdef'):sub(2, -2)", "bcde"],
  ["('abcdef'):sub(-3)", "def"],
  ["('abc'):sub(5)", ""],
  ["('abc'):sub(0)", "abc"],
  ["#('abc'):rep(3, '-')", "11"],
  ["('ab'):rep(3, '-')", "ab-ab-ab"],
  ["('x'):rep(0) .. ('x'):rep(-1)", ""],
  ["table.concat({('abc'):byte(1, -1)}, ' ')", "97 98 99"],
  ["string.char(104, 105)", "hi"],
  ["table.concat({('hello'):find('l')}, ' ')", "3 3"],
  ["table.concat({('a.b.c'):find('.', 3, true)}, ' ')", "4 4"],
  ["('abc'):find('z')", "nil"],
  ["('abc'):find('', 10)", "nil"],
  ["table.concat({('abc'):find('')}, ' ')", "1 0"],
  ["string.format('%5s|%-5s|%.2s|%c', 'a', 'b', 'cde', 65)", "    a|b    |cd|A"],
  ["string.format('%05d %+d %x %X %#x %o', 42, 42, 255, 255, 255, 8)", "00042 +42 ff FF 0xff 10"],
  ["string.format('%.3f %g %g %e %g', 1.5, 100000, 1e20, 12345.678, 0.0001)", "1.500 100000 1e+20 1.234568e+04 0.0001"],
  ["string.format('%d%%', 3.0)", "3%"],
  ["string.format('%s %s', nil, true)", "nil true"],
  ["'\\t' < 'a'", "true"],
  ["'a' < 'b' and 'a' < 'aa' and 'Z' < 'a'", "true"],
  ["({['\\x01\\x11'] = 1})['\\x11\\x01']", "nil"],
  ["table.concat({1, 2.5, 'x'}, ', ')", "1, 2.5, x"],
  ["table.concat({'a', 'b', 'c'}, '', 2, 3)", "bc"],
  [
    "(function() local t = {1, 2, 3} table.insert(t, 1, 0) table.insert(t, 4) return table.concat(t, ' ') end)()",
    "0 1 2 3 4",
  ],
  ["(function() local t = {1, 2, 3} return table.remove(t, 1) .. table.remove(t) .. #t end)()", "131"],
  ["(function() local t = {5, 2, 8, 1} table.sort(t) return table.concat(t, ' ') end)()", "1 2 5 8"],
  [
    "(function() local t = {5, 2, 8, 1} table.sort(t, function(a, b) return a > b end) return table.concat(t, ' ') end)()",
    "8 5 2 1",
  ],
  ["table.concat(table.move({1, 2, 3}, 1, 3, 2), ' ')", "1 1 2 3"],
  ["table.pack(1, nil, 3).n", "3"],
  ["select('#', table.unpack({1, 2, nil, 4}, 1, 4))", "4"],
  ["select(-1, 1, 2, 3)", "3"],
  ["tostring(nil) .. tostring(true) .. tostring(1.0) .. tostring(-0.0)", "niltrue1.0-0.0"],
  ["tonumber('  0x10  ') .. tonumber('1e2') .. tostring(tonumber('1x')) .. tostring(tonumber(''))", "16100.0nilnil"],
  ["pcall(error, 'x') == false and select(2, pcall(error, {1}))[1]", "1"],
  ["select('#', pcall(function(...) return ... end, 1, nil, 3))", "4"],
  ["select(2, xpcall(function(a) return a + 1 end, type, 2))", "3"],
  ["select(2, xpcall(error, function(m) return m .. '!' end, 'x'))", "x!"],
  ["select(2, pcall(function() error('x', 0) end))", "x"],
  ["select(2, pcall(assert, false, 'why'))", "why"],
  ["(function() local s = '' for i, v in ipairs({1, 2, nil, 4}) do s = s .. i .. v end return s end)()", "1122"],
  ["(function() local n = 0 for k in pairs({a = 1, b = 2, 3}) do n = n + 1 end return n end)()", "3"],
  [
    "(function() local s = 0 for k, v in pairs(setmetatable({}, {__pairs = function() return next, {5, 6} end})) do s = s + v end return s end)()",
    "11",
  ],
  ["setmetatable({}, {__index = function(t, k) return k .. '!' end}).x", "x!"],
  ["setmetatable({}, {__call = function(t, a) return a end})(7)", "7"],
  ["tostring(setmetatable({}, {__tostring = function() return 'me' end}))", "me"],
  ["getmetatable(setmetatable({}, {__metatable = 'no'}))", "no"],
  ["math.floor(-1.5) .. ' ' .. math.ceil(-1.5) .. ' ' .. math.floor(3)", "-2 -1 3"],
  ["math.sqrt(16) .. ' ' .. math.log(8, 2) .. ' ' .. math.exp(0)", "4.0 3.0 1.0"],
  ["math.huge", "inf"],
  ["5 // 2 .. ' ' .. 5 / 2 .. ' ' .. 5 % -3 .. ' ' .. 2 ^ 10", "2 2.5 -1 1024.0"],
  ["_VERSION", "Lua 5.3"],
];

for (const [expression, value] of VALUES)
  libraries(`${expression} is ${value}`, () => {
    assert.is(evaluateLua(expression), value);
  });

libraries("docs/lua.md names every global and every function of the tables", () => {
  const page = readFileSync(join(repositoryRoot(), "docs/lua.md"), "utf8");
  const collect = `local names = {}
    for _, name in ipairs({'_G', 'string', 'table', 'math'}) do
      for key in pairs(_G[name]) do names[#names + 1] = name == '_G' and key or name .. '.' .. key end
    end`;
  for (const name of evaluateLua("table.concat(names, ' ')", collect).split(" "))
    if (name !== "names") assert.ok(page.includes(`\`${name}\``), name);
});

libraries("docs/lua.md states the limits that there are", () => {
  const page = readFileSync(join(repositoryRoot(), "docs/lua.md"), "utf8");
  const written = (value: number): string => value.toLocaleString("en");
  for (const [limit, value] of [
    ["fuel", written(FOREIGN_FUEL)],
    ["memory", `${written(FOREIGN_MEMORY_BYTES / 2 ** 20)} MiB`],
    ["time", `${written(FOREIGN_MILLISECONDS)} ms`],
    ["source", `${written(LONGEST_SCRIPT / 2 ** 10)} KiB`],
    ["calls in calls", written(DEEPEST_CALL)],
  ] as const)
    assert.match(page, new RegExp(`^\\| ${limit} \\|.* ${value}`, "m"));
  assert.ok(page.includes(`at most ${MOST_CAPTURES}`));
});

libraries.run();
