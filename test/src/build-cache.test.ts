// The build cache: whatever stands in it, a package is the same bytes as without it, and so is what is said of the rules.

import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import fs, {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createAutomatonCache } from "@kestrel/compiler/cache/automaton-cache";
import { createQueryNames } from "@kestrel/compiler/cache/query-name";
import { openStore, type Store } from "@kestrel/compiler/cache/store";
import { analyseRules, compilePack, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import type { CompileOptions } from "@kestrel/compiler/compile-options";
import { renderText } from "@kestrel/compiler/diagnostics/render";
import type { Foreign } from "@kestrel/compiler/ir/foreign";
import { createBuildCache } from "@kestrel/compiler/package/build-cache";
import { buildPackage } from "@kestrel/compiler/package/build-package";
import { compileRules } from "@kestrel/compiler/package/compile-rules";
import { createPackCache, type PackCache } from "@kestrel/compiler/package/pack-cache";
import { type PackParts, partsOf } from "@kestrel/compiler/package/pack-parts";
import { nameSources } from "@kestrel/compiler/package/source-names";
import { type MakeAutomaton, makeAutomaton } from "@kestrel/compiler/patterns/regex-automata";
import { parseRegex } from "@kestrel/compiler/patterns/regex-parse";
import { extendSchema } from "@kestrel/compiler/query/extend-schema";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { profileOf, reversed } from "./support/profiles.js";
import { ruleOf } from "./support/run-pack.js";

const EQLC = fileURLToPath(new URL("../../compiler/bin/eqlc.js", import.meta.url));
const cache = suite("build cache");

let folder = "";

cache.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "kestrel-cache-"));
});
cache.after.each(() => rmSync(folder, { recursive: true, force: true }));

/** Of every kind that is compiled in a way of its own, and some that are wrong. */
const QUERIES: readonly (readonly [id: string, query: string])[] = [
  ["texts", 'process where process.name in ("a.exe", "b.exe") and process.args : "*-enc*"'],
  ["same-texts", 'process where process.name in ("b.exe", "a.exe") and user.name != "root"'],
  [
    "sequence",
    'sequence by host.id with maxspan=1m [process where process.name == "curl"] by process.pid [network where true] by process.pid',
  ],
  [
    "lineage",
    'sequence [process where child of [process where process.name == "x"]] [file where file.name regex "a+b"]',
  ],
  ["numbers", "network where destination.port in (22, 23, 2222) and source.bytes > destination.bytes * 2"],
  ["addresses", 'network where cidrMatch(source.ip, "10.0.0.0/8", "fe80::/10")'],
  ["computed", 'file where length(file.name) > 30 or concat(file.name, ":", user.name) == "a:b" or file.size == -0.0'],
  ["unsuppressed", "any where true"],
  ["warning", 'process where process.name == "*.exe"'],
  ["suppressed", 'process where process.name == "*.exe" // kestrel: allow W0503'],
  ["unknown", 'process where process.nam == "a"'],
  ["broken", "process where ("],
  ["keys", "sample by host.id [process where true] [file where true] [network where true]"],
];

/** Writes a file of rules, each of which says `more` of itself. */
function write(rules: typeof QUERIES, file = "pack.json", more: Readonly<Record<string, unknown>> = {}): string {
  const source = join(folder, "rules");
  mkdirSync(source, { recursive: true });
  const records = rules.map(([id, query]) => ({ id, name: id, query, tags: [id], ...more }));
  writeFileSync(join(source, file), JSON.stringify(records, null, 1));
  return source;
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A digest of each file of the package, and every word that is said. */
async function build(
  source: string,
  store: Store | null,
  options: CompileOptions = DEFAULT_OPTIONS,
  compiler?: string,
): Promise<string[]> {
  const kept = store === null ? undefined : createBuildCache(store, options, compiler);
  const { rules, parts, collected, beside, diagnostics, leftOut } = await compileRules([source], options, kept);
  store?.finish();
  if (parts === null) throw new Error("no rule compiled");
  const { files } = buildPackage(rules, parts, nameSources(collected.files, [source], beside), {
    ...{ name: "test", version: "1.0.0", compilerVersion: "test" },
    ...{ timestampField: options.timestampField, tiebreakerField: null, categoryField: options.categoryField },
  });
  const written = [...files].map(([path, bytes]) => `${path} ${digestOf(bytes)}`);
  return [...written, renderText(diagnostics, { color: false }), `${leftOut} left out`];
}

function open(): Store {
  const store = openStore(join(folder, "cache"));
  if (typeof store === "string") throw new Error(store);
  return store;
}

/** A store that counts what it has, and had not. */
function counting(): Store & { found: number; missed: number } {
  const store = open();
  const counted = { ...store, found: 0, missed: 0 };
  return Object.assign(counted, {
    get(name: string): Uint8Array | null {
      const content = store.get(name);
      if (content === null) counted.missed += 1;
      else counted.found += 1;
      return content;
    },
  });
}

function entries(): string[] {
  const all = readdirSync(join(folder, "cache"), { recursive: true, encoding: "utf8" });
  return all.map((name) => join(folder, "cache", name)).filter((file) => statSync(file).isFile());
}

cache("a build from the cache is the build without it", async () => {
  const source = write(QUERIES);
  const cold = await build(source, null);
  const filling = counting();
  assert.equal(await build(source, filling), cold);
  assert.is(filling.found, 0);
  const warm = counting();
  assert.equal(await build(source, warm), cold);
  assert.is(warm.missed, 0);
  assert.ok(warm.found >= QUERIES.length);
});

cache("an automaton is made once for each list, each folding and each compiler", async () => {
  const made: string[] = [];
  const automatonOf = (text: string, fold: boolean, compiler = "one"): string => {
    const make: MakeAutomaton = (...given) => {
      made.push(`${text} ${fold} ${compiler}`);
      return makeAutomaton(...given);
    };
    const parsed = parseRegex(text);
    assert.ok(parsed.ok);
    const found = createAutomatonCache(open(), compiler, make)([parsed.regex.node], fold);
    return found.kind === "too-large" ? found.message : `${found.kind} ${Buffer.from(found.bytes).toString("hex")}`;
  };
  // The second becomes an NFA, the third nothing.
  const texts = ["a+b|c{2,}", "(a|b)*a(a|b){16}", "(a{1000}){1000}"];
  const first = texts.map((text) => automatonOf(text, false));
  assert.equal(
    first.map((found) => found.split(" ")[0]),
    ["dfa", "nfa", "written"],
  );
  assert.is(made.length, 3);
  assert.equal(
    texts.map((text) => automatonOf(text, false)),
    first,
  );
  // What is too large is not kept.
  assert.is(made.length, 4);
  const [text = ""] = texts;
  automatonOf(text, true);
  automatonOf(text, false, "another");
  automatonOf(`${text}?`, false);
  assert.is(made.length, 7);
});

cache("a rule that is changed, added, removed, moved or renamed", async () => {
  await build(write(QUERIES), open());
  const [first, second, ...rest] = QUERIES;
  assert.ok(first !== undefined && second !== undefined);
  const changed: [string, typeof QUERIES][] = [
    ["changed", [[first[0], first[1].replace("a.exe", "c.exe")], second, ...rest]],
    ["added", [["a-new-one", 'dns where dns.question.name : "*.test"'], ...QUERIES]],
    ["removed", [second, ...rest]],
    ["moved", [...rest, second, first]],
    ["renamed", [["zz", first[1]], second, ...rest]],
    ["twice", [first, ...QUERIES]],
  ];
  for (const [what, rules] of changed) {
    const source = write(rules);
    const known = counting();
    assert.equal(await build(source, known), await build(source, null), what);
    assert.ok(known.found > 0, what);
  }
  rmSync(join(folder, "rules"), { recursive: true });
  for (const [at, rule] of QUERIES.entries()) write([rule], `${QUERIES.length - at}.json`);
  const parted = counting();
  assert.equal(
    await build(join(folder, "rules"), parted),
    await build(join(folder, "rules"), null),
    "in files of their own",
  );
  assert.is(parted.missed, 0);
});

cache("where no query is changed nothing is compiled, whatever rules say of themselves", async () => {
  const first = await build(write(QUERIES), open());
  for (const more of [
    { description: "Another one", author: ["who"], references: ["https://example.test"], version: 7 },
    { severity: "high", risk_score: 99, tags: ["others"] },
    { name: "All of one name" },
    { suppress: ["W0503"] },
  ]) {
    const source = write(QUERIES, "pack.json", more);
    const known = counting();
    const built = await build(source, known);
    assert.equal(built, await build(source, null));
    assert.not.equal(built, first);
    assert.is(known.missed, 0);
  }
});

cache("what a rule says of its events is part of what its query depends on", async () => {
  await build(write(QUERIES), open());
  for (const more of [
    { dialect: "endgame" },
    { event_category_override: "event.kind" },
    { timestamp_field: "event.created" },
    { tiebreaker_field: "event.hash" },
    { index: ["logs-*"] },
  ]) {
    const source = write(QUERIES, "pack.json", more);
    assert.equal(await build(source, open()), await build(source, null), Object.keys(more).join());
  }
});

cache("the order of the queries is part of what a pack depends on", async () => {
  const queries = QUERIES.map(([, query]) => query);
  await build(write(QUERIES), open());
  const ids = QUERIES.map(([id]) => id).reverse();
  const source = write(queries.map((query, at) => [ids[at] ?? "", query]));
  const known = counting();
  assert.equal(await build(source, known), await build(source, null));
  assert.is(known.missed, 1, "the pack");
  assert.ok(known.found > 0);
});

cache("the code of a hand-written rule is part of what a pack depends on", async () => {
  const own = join(folder, "rules/own");
  cpSync(fileURLToPath(new URL("../../examples/lua-rule", import.meta.url)), own, { recursive: true });
  const uses = { predicates: { encoded: "encoded-command" } };
  write(
    [
      ["uses", "process where encoded() and process.pid > 4"],
      ["too", "any where encoded()"],
    ],
    "uses.json",
    uses,
  );
  const source = write(QUERIES);
  const change = ([file, from, to]: readonly [file: string, from: string, to: string]): void => {
    const text = readFileSync(join(own, file), "utf8");
    assert.ok(text.includes(from), file);
    writeFileSync(join(own, file), text.replace(from, to));
  };
  const seen = new Set<string>();
  const missed: number[] = [];
  for (const changed of [
    null,
    ["manifest.json", "T1059", "T1204"],
    ["predicate.lua", "local SHORTEST = 16", "local SHORTEST = 24"],
    [
      "manifest.json",
      '["process.command_line", "process.args"]',
      '["process.args", "process.command_line", "user.name"]',
    ],
    ["resources/regexes.txt", "(?i)", "(?i)x?"],
  ] as const) {
    if (changed !== null) change(changed);
    const cold = await build(source, null);
    seen.add(cold.join());
    for (let again = 0; again < 2; again++) {
      const store = counting();
      assert.equal(await build(source, store), cold, `${changed}`);
      missed.push(store.missed);
    }
  }
  assert.is(seen.size, 5);
  // Each state but that in which only what the rule says of itself is new makes a pack of its own, and finds it when it comes again.
  assert.ok((missed[0] ?? 0) > QUERIES.length);
  assert.equal(missed.slice(1), [0, 0, 0, 1, 0, 1, 0, 2, 0]);
});

cache("which code a name stands for is part of what a pack depends on", async () => {
  const example = fileURLToPath(new URL("../../examples/lua-rule", import.meta.url));
  for (const id of ["one", "two"]) {
    const own = join(folder, "rules", id);
    cpSync(example, own, { recursive: true });
    const file = join(own, "manifest.json");
    writeFileSync(file, readFileSync(file, "utf8").replace("encoded-command", id));
  }
  const query = [["uses", "any where first() and not second()"]] as const;
  const built: string[] = [];
  for (const predicates of [
    { first: "one", second: "two" },
    { second: "one", first: "two" },
  ]) {
    const source = write(query, "uses.json", { predicates });
    const cold = await build(source, null);
    assert.equal(await build(source, open()), cold);
    // The sources tell the two apart by themselves.
    built.push(cold.filter((file) => file.startsWith("module.wasm") || file.startsWith("foreign/")).join());
  }
  assert.not.equal(built[0], built[1]);
});

cache("a pack is kept in pieces, and is none where one of them is missing or of another build", () => {
  const { rules } = analyseRules([ruleOf("one", "process where true")], DEFAULT_OPTIONS);
  const pack = { rules, packages: new Map() };
  const text = "a text that V8 holds in one byte a character, or in two";
  const partsWith = (name: string): PackParts => ({
    queries: [{ kind: "event", keys: [], maxSpanMs: null }],
    ...{ predicates: [], demands: [], programs: [], lineage: [], foreign: [] },
    fields: [{ id: 1, name, type: "keyword" }],
    files: new Map([["module.wasm", randomBytes(3 << 20)]]),
    stats: {
      ...{ rules: 1, module_bytes: 1, atoms: 1, postings: 1, literals: 1, guards: 0 },
      woken_by: { texts: 0, literals: 0, fields: 0, every_event: 0 },
    },
  });
  const packsIn = (store: Store): PackCache =>
    createPackCache(store, createQueryNames(DEFAULT_OPTIONS, "compiler"), null);
  const parts = partsWith(text);
  assert.is(packsIn(open()).get(pack), null);
  packsIn(open()).put(pack, parts);
  const files = entries();
  assert.ok(files.length > 6);
  assert.equal(packsIn(open()).get(pack), parts);
  for (const file of files) {
    const content = readFileSync(file);
    rmSync(file);
    assert.is(packsIn(open()).get(pack), null);
    writeFileSync(file, content);
  }
  // As another build may write them: `sliced` is the same text, in two bytes a character.
  const sliced = `${text}\u{1f600}`.slice(0, text.length);
  const others = { ...parts, fields: [{ id: 1, name: sliced, type: "keyword" as const }] };
  const written = files.map((file) => readFileSync(file));
  packsIn(open()).put(pack, others);
  for (const [at, file] of files.entries()) {
    const other = readFileSync(file);
    writeFileSync(file, written[at] ?? "");
    assert.equal(packsIn(open()).get(pack), parts);
    writeFileSync(file, other);
  }
});

cache("parts are kept of the rules alone that they were made of", () => {
  const { rules } = analyseRules(
    [ruleOf("one", "process where true"), ruleOf("two", "any where true")],
    DEFAULT_OPTIONS,
  );
  const packs = createPackCache(open(), createQueryNames(DEFAULT_OPTIONS, "compiler"), null);
  const parts = partsOf(compilePack(rules, DEFAULT_OPTIONS));
  // As where one of the two could not be lowered.
  const packages = new Map<string, Foreign>();
  assert.throws(() => packs.put({ rules: rules.slice(1), packages }, parts), /parts of other rules/);
  assert.is(packs.get({ rules: rules.slice(1), packages }), null);
  packs.put({ rules, packages }, parts);
  assert.equal(packs.get({ rules, packages }), parts);
});

cache("options are part of what a result depends on", async () => {
  const source = write(QUERIES);
  const schema = extendSchema(DEFAULT_OPTIONS.schema, new Map([["process.nam", "keyword"]]));
  for (const options of [
    DEFAULT_OPTIONS,
    { ...DEFAULT_OPTIONS, schema },
    { ...DEFAULT_OPTIONS, unknownFields: "warn" as const },
    { ...DEFAULT_OPTIONS, categoryField: "event.kind" },
    { ...DEFAULT_OPTIONS, narrow: false },
  ]) {
    assert.equal(await build(source, open(), options), await build(source, null, options));
  }
});

cache("a profile steers packs alone: what was found of the rules is kept for all", async () => {
  const source = write(QUERIES);
  const { rules } = analyseRules(
    QUERIES.map(([id, query]) => ruleOf(id, query)),
    DEFAULT_OPTIONS,
  );
  const line = '{"event":{"category":"process"},"process":{"name":"curl","args":["-enc"]},"user":{"name":"root"}}';
  const profile = profileOf(rules, DEFAULT_OPTIONS, Array<string>(1_000).fill(line));
  const steered = [null, profile, reversed(profile)].map(async (own) => {
    const options = { ...DEFAULT_OPTIONS, profile: own };
    return { options, bytes: await build(source, null, options) };
  });
  const cold = await Promise.all(steered);
  assert.is(new Set(cold.map(({ bytes }) => bytes.join())).size, 3, "each steers in its own way");
  const said = cold.map(({ bytes }) => bytes.slice(-2));
  assert.equal(said, [said[0], said[0], said[0]], "what is said of the rules is the same");
  const missed: number[] = [];
  for (const { options, bytes } of [...cold, ...cold]) {
    const store = counting();
    assert.equal(await build(source, store, options), bytes);
    missed.push(store.missed);
  }
  assert.ok((missed[0] ?? 0) > QUERIES.length);
  assert.equal(missed.slice(1), [1, 1, 0, 0, 0], "the pack");
});

cache("entries that were cut short, changed or put under other names are none", async () => {
  const source = write(QUERIES);
  const cold = await build(source, null);
  const harm: readonly ((file: string, others: readonly Buffer[]) => void)[] = [
    (file) => writeFileSync(file, ""),
    (file) => writeFileSync(file, readFileSync(file).subarray(0, 40)),
    (file) => writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from([0])])),
    (file) =>
      writeFileSync(
        file,
        readFileSync(file).map((byte, at) => (at === 50 ? byte ^ 1 : byte)),
      ),
    (file) => writeFileSync(file, '{"typed":null}'),
    (file, others) => writeFileSync(file, others.find((other) => !other.equals(readFileSync(file))) ?? ""),
    (file) => {
      rmSync(file);
      mkdirSync(file);
    },
  ];
  for (const [number, one] of harm.entries()) {
    rmSync(join(folder, "cache"), { recursive: true, force: true });
    await build(source, open());
    const files = entries();
    assert.ok(files.length > 0);
    const others = files.map((file) => readFileSync(file));
    for (const file of files) one(file, others);
    const harmed = counting();
    assert.equal(await build(source, harmed), cold, `harm ${number}`);
    assert.is(harmed.found, 0, `harm ${number}`);
    assert.equal(await build(source, open()), cold, `after harm ${number}`);
  }
});

cache("what another compiler made is not found", async () => {
  const source = write(QUERIES);
  const cold = await build(source, null);
  await build(source, open(), DEFAULT_OPTIONS, "another");
  const store = counting();
  assert.equal(await build(source, store), cold);
  assert.is(store.found, 0);
});

cache("a folder that is deleted while it is used is as if nothing had been kept", async () => {
  const source = write(QUERIES);
  const store = open();
  await build(source, store);
  rmSync(join(folder, "cache"), { recursive: true });
  assert.equal(await build(source, store), await build(source, null));
});

cache("eqlc says and writes the same from a full cache, whatever it is asked for", () => {
  const source = write(QUERIES);
  const profile = join(folder, "profile.json");
  const events = join(folder, "events.ndjson");
  writeFileSync(events, `${'{"event":{"category":"process"},"process":{"name":"curl","args":["-enc"]}}\n'.repeat(50)}`);
  assert.is(spawnSync(process.execPath, [EQLC, "profile", source, events, "-o", profile]).status, 1);
  const run = (out: string, given: readonly string[], ...more: string[]): unknown[] => {
    const args = [EQLC, "build", source, "-o", join(folder, "out", out), ...given, ...more];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    const said = [stdout, stderr].map((text) => text.replaceAll(/"seconds": .*| {2}time .*/g, "").replaceAll(out, ""));
    const top = join(folder, "out", out);
    const files = existsSync(top) ? readdirSync(top, { recursive: true, encoding: "utf8" }).sort() : [];
    const written = files.filter((name) => statSync(join(top, name)).isFile());
    return [status, ...said, ...written.map((name) => `${name} ${digestOf(readFileSync(join(top, name)))}`)];
  };
  const kept = ["--cache", join(folder, "cache")];
  for (const given of [
    ["--stats"],
    ["--stats", "--format", "json", "--profile", profile],
    ["--stats", "--format", "json", "--target", "lua"],
    ["--target", "both", "--name", "two", "--pack-version", "2.0.0"],
    ["--strict", "--format", "json", "--target", "lua"],
  ]) {
    const cold = run("cold", given, "--no-cache");
    run("full", given, ...kept);
    assert.equal(run("full", given, ...kept), cold, given.join(" "));
  }
});

cache("two builds at once into one cache", async () => {
  const source = write(QUERIES);
  const ended = (out: string, ...more: string[]): Promise<number | null> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [EQLC, "build", source, "-o", join(folder, out), ...more], {
        stdio: "ignore",
      });
      child.on("error", reject);
      child.on("close", resolve);
    });
  const into = ["--cache", join(folder, "cache")];
  assert.equal(await Promise.all([ended("a", ...into), ended("b", ...into), ended("c", "--no-cache")]), [1, 1, 1]);
  assert.is(await ended("d", ...into), 1);
  for (const out of ["a", "b", "d"]) {
    for (const file of ["manifest.json", "module.wasm"])
      assert.ok(readFileSync(join(folder, out, file)).equals(readFileSync(join(folder, "c", file))), `${out} ${file}`);
  }
  assert.equal(
    entries().filter((file) => /[\\/]\.[^\\/]*$/.test(file)),
    [],
    "nothing half written is left",
  );
});

cache("what was not used for longest goes first", async () => {
  const limits = { folderBytes: 1000 };
  const store = openStore(join(folder, "cache"), limits);
  assert.ok(typeof store !== "string");
  const name = (one: number): string => `ab${String(one).padStart(62, "0")}`;
  for (let one = 0; one < 6; one++) {
    store.put(name(one), new Uint8Array(300));
    utimesSync(join(folder, "cache/ab", name(one).slice(2)), 1000 + one, 1000 + one);
  }
  // Used again.
  assert.ok(store.get(name(0)) !== null);
  store.put(name(9), new Uint8Array(501));
  assert.is(store.get(name(9)), null, "an entry that would take all of the room");
  store.finish();
  const left = Array.from({ length: 6 }, (_, one) => one).filter((one) => store.get(name(one)) !== null);
  assert.equal(left, [0, 4, 5]);
});

cache("an entry that is used counts as used from within an hour, where that can be noted", () => {
  const store = open();
  const name = "ab".padEnd(64, "0");
  store.put(name, Uint8Array.of(1));
  const [file = ""] = entries();
  const usedAt = (minutesAgo: number): number => {
    const then = Date.now() / 1000 - minutesAgo * 60;
    utimesSync(file, then, then);
    assert.equal([...(store.get(name) ?? [])], [1]);
    return Math.round((Date.now() - statSync(file).mtimeMs) / 60_000);
  };
  assert.is(usedAt(30), 30);
  assert.is(usedAt(90), 0);
  const { utimesSync: own } = fs;
  try {
    fs.utimesSync = () => {
      throw new Error("EROFS");
    };
    syncBuiltinESMExports();
    const then = Date.now() / 1000 - 90 * 60;
    own(file, then, then);
    assert.equal([...(store.get(name) ?? [])], [1]);
  } finally {
    fs.utimesSync = own;
    syncBuiltinESMExports();
  }
});

cache("a folder that others may write to is not used", async () => {
  if (process.platform === "win32") return;
  const shared = join(folder, "shared");
  mkdirSync(shared);
  chmodSync(shared, 0o777);
  assert.is(openStore(shared), "others may write to it");
  chmodSync(shared, 0o755);
  assert.ok(typeof openStore(shared) !== "string");
  const own = join(folder, "own");
  openStore(own);
  assert.is(statSync(own).mode & 0o777, 0o700);
  cpSync(EQLC, join(folder, "file"));
  assert.is(typeof openStore(join(folder, "file", "below")), "string");
});

cache.run();
