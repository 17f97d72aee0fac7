// The build cache: whatever stands in it, a package is the same bytes as without it, and so is what is said of the rules.

import { spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createAnalysisCache } from "@kestrel/compiler/cache/analysis-cache";
import { createAutomatonCache } from "@kestrel/compiler/cache/automaton-cache";
import { openStore, type Store } from "@kestrel/compiler/cache/store";
import { analyseRules, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import type { CompileOptions } from "@kestrel/compiler/compile-options";
import { renderText } from "@kestrel/compiler/diagnostics/render";
import { buildPackage } from "@kestrel/compiler/package/build-package";
import { compileRules } from "@kestrel/compiler/package/compile-rules";
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

function jsonOf(rules: typeof QUERIES): string {
  const records = rules.map(([id, query]) => ({ id, name: id, query, tags: [id] }));
  return JSON.stringify(records, null, 1);
}

function write(rules: typeof QUERIES, file = "pack.json"): string {
  const source = join(folder, "rules");
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, file), jsonOf(rules));
  return source;
}

/** Every byte of the package, and every word that is said. */
function build(
  source: string,
  store: Store | null,
  options: CompileOptions = DEFAULT_OPTIONS,
  compiler?: string,
): string[] {
  const known =
    store === null
      ? undefined
      : {
          analyses: createAnalysisCache(store, options, compiler),
          automatonOf: createAutomatonCache(store, compiler),
        };
  const { pack, collected, beside, diagnostics, leftOut } = compileRules([source], options, known);
  store?.finish();
  if (pack === null) throw new Error("no rule compiled");
  const { files } = buildPackage(pack, nameSources(collected.files, [source], beside), {
    ...{ name: "test", version: "1.0.0", compilerVersion: "test" },
    ...{ timestampField: options.timestampField, tiebreakerField: null, categoryField: options.categoryField },
  });
  const written = [...files].map(([path, bytes]) => `${path} ${Buffer.from(bytes).toString("latin1")}`);
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

cache("a build from the cache is the build without it", () => {
  const source = write(QUERIES);
  const cold = build(source, null);
  const filling = counting();
  assert.equal(build(source, filling), cold);
  assert.is(filling.found, 0);
  const warm = counting();
  assert.equal(build(source, warm), cold);
  assert.is(warm.missed, 0);
  assert.ok(warm.found >= QUERIES.length);
});

cache("an automaton is made once for each list, each folding and each compiler", () => {
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

cache("a rule that is changed, added, removed, moved or renamed", () => {
  build(write(QUERIES), open());
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
    assert.equal(build(source, known), build(source, null), what);
    assert.ok(known.found > 0, what);
  }
  rmSync(join(folder, "rules"), { recursive: true });
  for (const [at, rule] of QUERIES.entries()) write([rule], `${QUERIES.length - at}.json`);
  const parted = counting();
  assert.equal(build(join(folder, "rules"), parted), build(join(folder, "rules"), null), "in files of their own");
  assert.is(parted.missed, 0);
});

cache("options are part of what a result depends on", () => {
  const source = write(QUERIES);
  const schema = extendSchema(DEFAULT_OPTIONS.schema, new Map([["process.nam", "keyword"]]));
  for (const options of [
    DEFAULT_OPTIONS,
    { ...DEFAULT_OPTIONS, schema },
    { ...DEFAULT_OPTIONS, unknownFields: "warn" as const },
    { ...DEFAULT_OPTIONS, categoryField: "event.kind" },
    { ...DEFAULT_OPTIONS, narrow: false },
  ]) {
    assert.equal(build(source, open(), options), build(source, null, options));
  }
});

cache("a profile steers what the cache does not keep: a build with another is as warm, and its own", () => {
  const source = write(QUERIES);
  const { rules } = analyseRules(
    QUERIES.map(([id, query]) => ruleOf(id, query)),
    DEFAULT_OPTIONS,
  );
  const line = '{"event":{"category":"process"},"process":{"name":"curl","args":["-enc"]},"user":{"name":"root"}}';
  const profile = profileOf(rules, DEFAULT_OPTIONS, Array<string>(1_000).fill(line));
  const cold = [null, profile, reversed(profile)].map((own) => {
    const options = { ...DEFAULT_OPTIONS, profile: own };
    return { options, bytes: build(source, null, options) };
  });
  assert.is(new Set(cold.map(({ bytes }) => bytes.join())).size, 3, "each steers in its own way");
  const said = cold.map(({ bytes }) => bytes.slice(-2));
  assert.equal(said, [said[0], said[0], said[0]], "what is said of the rules is the same");
  for (const [number, { options, bytes }] of [...cold, ...cold].entries()) {
    const store = counting();
    assert.equal(build(source, store, options), bytes);
    assert.is(store.missed > 0, number === 0, "what was found of the rules is kept for all");
  }
});

cache("entries that were cut short, changed or put under other names are none", () => {
  const source = write(QUERIES);
  const cold = build(source, null);
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
    build(source, open());
    const files = entries();
    assert.ok(files.length > 0);
    const others = files.map((file) => readFileSync(file));
    for (const file of files) one(file, others);
    const harmed = counting();
    assert.equal(build(source, harmed), cold, `harm ${number}`);
    assert.is(harmed.found, 0, `harm ${number}`);
    assert.equal(build(source, open()), cold, `after harm ${number}`);
  }
});

cache("what another compiler made is not found", () => {
  const source = write(QUERIES);
  const cold = build(source, null);
  build(source, open(), DEFAULT_OPTIONS, "another");
  const store = counting();
  assert.equal(build(source, store), cold);
  assert.is(store.found, 0);
});

cache("a folder that is deleted while it is used is as if nothing had been kept", () => {
  const source = write(QUERIES);
  const store = open();
  build(source, store);
  rmSync(join(folder, "cache"), { recursive: true });
  assert.equal(build(source, store), build(source, null));
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

cache("what was not used for longest goes first", () => {
  const limits = { folderBytes: 1000 };
  const store = openStore(join(folder, "cache"), limits);
  assert.ok(typeof store !== "string");
  const name = (one: number): string => `ab${String(one).padStart(62, "0")}`;
  for (let one = 0; one < 6; one++) {
    store.put(name(one), new Uint8Array(300));
    utimesSync(join(folder, "cache/ab", name(one).slice(2)), 1000 + one, 1000 + one);
  }
  // Used again today.
  assert.ok(store.get(name(0)) !== null);
  store.put(name(9), new Uint8Array(501));
  assert.is(store.get(name(9)), null, "an entry that would take all of the room");
  store.finish();
  const left = Array.from({ length: 6 }, (_, one) => one).filter((one) => store.get(name(one)) !== null);
  assert.equal(left, [0, 4, 5]);
});

cache("a folder that others may write to is not used", () => {
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
