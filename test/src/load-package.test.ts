// The loader and packages written by hand: what it takes, and what it refuses with which words.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createDetector, loadPackage, type Package, PackageError, packageFromMemory } from "@kestrel/runtime/index";
import { instantiate, type PackInstance } from "@kestrel/runtime/load/instantiate";
import { ABI_VERSION, CONTROL_BASE, CONTROL_STEP } from "@kestrel/stdlib/abi";
import type { PackageManifest } from "@kestrel/stdlib/package-format";
import { manifestText } from "@kestrel/stdlib/package-format";
import { type LateTest, type LineageProgram, programToJson } from "@kestrel/stdlib/sequence-tables";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  assemble,
  EVERY_KIND,
  type FakePack,
  fakeManifest,
  fakePack,
  fakeRule,
  fakeStage,
  LATE_PACK,
  withDigest,
} from "./support/fake-pack.js";

const loading = suite("loading packages");

let folder = "";
loading.before(() => {
  folder = mkdtempSync(join(tmpdir(), "kestrel-load-"));
});
loading.after(() => rmSync(folder, { recursive: true, force: true }));

let written = 0;
function write(files: Readonly<Record<string, string | Uint8Array>>): string {
  const dir = join(folder, `package-${written++}`);
  mkdirSync(dir);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), content);
  }
  return dir;
}

/** Each problem as `code file`, with the message behind it when `full`. */
async function problemsOf(loaded: Promise<Package>, full = false): Promise<string[]> {
  try {
    await loaded;
    return [];
  } catch (error) {
    if (!(error instanceof PackageError)) throw error;
    return error.problems.map(({ code, file, message }) => `${code} ${file}${full ? `: ${message}` : ""}`);
  }
}

async function parts(): Promise<{ manifest: PackageManifest; files: Record<string, string | Uint8Array> }> {
  const { manifest, module } = await fakePack(EVERY_KIND);
  return { manifest, files: { "manifest.json": manifestText(manifest), "module.wasm": module } };
}

loading("takes a package that is whole, from a folder and from memory", async () => {
  const { files } = await parts();
  const fromFolder = await loadPackage(write(files));
  assert.is(fromFolder.manifest.rules.length, 5);
  assert.equal(fromFolder.programs, EVERY_KIND.programs);
  const fromMemory = await packageFromMemory(await fakePack(EVERY_KIND));
  assert.equal(fromMemory.manifest, fromFolder.manifest);
});

loading("says when there is no package", async () => {
  assert.match(
    (await problemsOf(loadPackage(join(folder, "nowhere")), true)).join(),
    /E_PACKAGE_MISSING .*no such folder/,
  );
  assert.match((await problemsOf(loadPackage(write({})), true)).join(), /E_PACKAGE_MISSING .*holds no manifest\.json/);
  const file = join(write({ "x.txt": "" }), "x.txt");
  assert.match((await problemsOf(loadPackage(file), true)).join(), /E_PACKAGE_MISSING .*not a folder/);
});

loading("refuses manifests of another kind, format or interface", async () => {
  const { manifest, files } = await parts();
  const load = (text: string): Promise<string[]> =>
    problemsOf(loadPackage(write({ ...files, "manifest.json": text })), true);
  assert.match((await load("{")).join(), /^E_PACKAGE_MANIFEST manifest\.json: is not JSON/);
  const dir = write(files);
  rmSync(join(dir, "manifest.json"));
  // What is no file may be a pipe that nobody writes to, or one without an end.
  mkdirSync(join(dir, "manifest.json"));
  assert.equal(await problemsOf(loadPackage(dir), true), ["E_PACKAGE_MANIFEST manifest.json: not a file"]);
  assert.equal(await load("[]"), ["E_PACKAGE_MANIFEST manifest.json: expected an object, found an array"]);
  assert.match((await load('{"format_version":"1.0","metadata":{}}')).join(), /^E_PACKAGE_FORMAT .*by hand/);
  assert.equal(await load(manifestText({ ...manifest, format_version: "1.0" })), [
    'E_PACKAGE_FORMAT manifest.json: format_version is "1.0"; this runtime reads "4.0"',
  ]);
  assert.equal(await load(manifestText(withDigest({ ...manifest, abi_version: 99 }))), [
    `E_PACKAGE_ABI manifest.json: abi_version is 99; this runtime speaks ${ABI_VERSION}`,
  ]);
});

loading("reports every mistake in a manifest with its place", async () => {
  const { manifest, files } = await parts();
  const broken = {
    ...manifest,
    package: { name: "", version: 1, digest: "abc" },
    rules: [{ ...manifest.rules[0], kind: "rule", tags: ["a", 2] }, ...manifest.rules.slice(1), manifest.rules[1]],
    predicates: [[], [0.5], [9], [1]],
    demands: [
      null,
      { rules: [1, 9], fields: "process.name", type: { any_of: [3], none_of: {} } },
      { rules: [], fields: [], category: [], paths: [null] },
      7,
      null,
    ],
    files: [...manifest.files, { path: "../out", bytes: -1, sha256: "" }, { path: "/etc/x", bytes: 1, sha256: "" }],
  };
  const text = JSON.stringify(broken);
  const found = await problemsOf(loadPackage(write({ ...files, "manifest.json": text })), true);
  const places = found.map((line) => line.replace("E_PACKAGE_MANIFEST manifest.json: ", ""));
  assert.equal(places, [
    "package.version: expected a string, found a number",
    "package.name: is empty",
    "package.digest: expected 64 hexadecimal digits",
    "rules[0].tags[1]: expected a string, found a number",
    'rules[0].kind: expected one of event, sequence, sample, join, found "rule"',
    'rules[5].id: "both" is the id of rules[1] already',
    "predicates[1][0]: expected a whole number from 0, found 0.5",
    "predicates[2][0]: there is no rule 9",
    "predicates[3][0]: rule 1 is a sequence, not an event rule",
    "demands: there are 5 for 4 predicates",
    "demands[1].rules[1]: there is no rule 9",
    "demands[1].fields: expected an array, found a string",
    "demands[1].type.any_of[0]: expected a string, found a number",
    "demands[1].type.none_of: expected an array, found an object",
    "demands[2].paths[0]: expected a string, found null",
    "demands[2].category: expected an object, found an array",
    "demands[3]: expected an object, found a number",
    "files[1].bytes: expected a whole number from 0, found -1",
    "files[1].sha256: expected 64 hexadecimal digits",
    'files[1].path: "../out" is a path that leaves the package',
    "files[2].sha256: expected 64 hexadecimal digits",
    'files[2].path: "/etc/x" is an absolute path',
  ]);
});

loading("checks the digest and every listed file, and reports all of it at once", async () => {
  const { manifest, files } = await parts();
  const source = new TextEncoder().encode("any where true\n");
  const { module } = await fakePack(EVERY_KIND);
  const listed = {
    "module.wasm": module,
    "sources/a.eql": source,
    "sources/b.eql": source,
  };
  const whole = fakeManifest(EVERY_KIND, listed);
  assert.equal(await problemsOf(loadPackage(write({ ...listed, "manifest.json": manifestText(whole) }))), []);

  const renamed = manifestText({ ...manifest, package: { ...manifest.package, name: "other" } });
  assert.equal(await problemsOf(loadPackage(write({ ...files, "manifest.json": renamed }))), [
    "E_PACKAGE_DIGEST manifest.json",
  ]);
  const changed = Buffer.from(module);
  changed[12] = (changed[12] ?? 0) ^ 1;
  const touched = write({ ...listed, "module.wasm": changed, "manifest.json": manifestText(whole) });
  assert.equal(await problemsOf(loadPackage(touched), true), [
    "E_PACKAGE_FILE module.wasm: was changed after it was built: its SHA-256 is not the one in the manifest",
  ]);
  // What is not run is only looked at where the whole package is asked for.
  const dir = write({ ...listed, "sources/a.eql": "short", "manifest.json": manifestText(whole) });
  rmSync(join(dir, "sources/b.eql"));
  rmSync(join(dir, "module.wasm"));
  mkdirSync(join(dir, "module.wasm"));
  assert.equal(await problemsOf(loadPackage(dir), true), ["E_PACKAGE_FILE module.wasm: not a file"]);
  assert.equal(await problemsOf(loadPackage(dir, { whole: true }), true), [
    "E_PACKAGE_FILE module.wasm: not a file",
    "E_PACKAGE_FILE sources/a.eql: has 5 bytes, not 15",
    "E_PACKAGE_FILE sources/b.eql: is missing",
  ]);
  const linked = write({ ...listed, "manifest.json": manifestText(whole) });
  rmSync(join(linked, "sources/b.eql"));
  const outside = join(folder, "outside.eql");
  writeFileSync(outside, source);
  symlinkSync(outside, join(linked, "sources/b.eql"));
  assert.equal(await problemsOf(loadPackage(linked)), []);
  assert.equal(await problemsOf(loadPackage(linked, { whole: true }), true), [
    "E_PACKAGE_FILE sources/b.eql: a link that leaves the package",
  ]);
});

loading("takes a manifest in any layout and any script, and the digest of none other", async () => {
  const named = withDigest({ ...(await parts()).manifest, package: { name: "règles 規則", version: "1", digest: "" } });
  const { files } = await parts();
  const text = manifestText(named);
  assert.match(text, /r\\u00e8gles/);
  const load = (manifest: string): Promise<string[]> =>
    problemsOf(loadPackage(write({ ...files, "manifest.json": manifest })));
  assert.equal(await load(text), []);
  // As an editor writes it, and as other programs do.
  assert.equal(await load(JSON.stringify(named)), []);
  assert.equal(await load(`${JSON.stringify(named, null, 4)}\n`), []);
  assert.equal(await load(text.replace("r\\u00e8gles", "r\\u00e9gles")), ["E_PACKAGE_DIGEST manifest.json"]);
  assert.equal(await load(text.replace(named.package.digest, "0".repeat(64))), ["E_PACKAGE_DIGEST manifest.json"]);
});

loading("gives every instance memory of its own, the one that was looked at included", async () => {
  const pack = await packageFromMemory(await fakePack(EVERY_KIND));
  const [first, second] = [instantiate(pack.module, 5n), instantiate(pack.module)];
  assert.is.not(first.memory, second.memory);
  const step = ({ memory }: PackInstance): bigint =>
    new DataView(memory.buffer).getBigUint64(CONTROL_BASE + CONTROL_STEP, true);
  assert.is(step(first), 5n);
  assert.is.not(step(second), 5n);
});

loading("refuses modules with another interface", async () => {
  const tree: LineageProgram = {
    dialect: "elastic",
    feed: 0,
    starts: 0,
    ends: 0,
    processes: null,
    resets: null,
    queries: [{ flag: 2, relation: "event", predicate: 0, late: null }],
  };
  const pack: FakePack = { rules: [], predicates: [[]], programs: [], lineage: [tree] };
  const load = (module: Uint8Array): Promise<string[]> => {
    const manifest = fakeManifest(pack, { "module.wasm": module });
    return problemsOf(packageFromMemory({ manifest, module }), true);
  };
  assert.match((await load(new Uint8Array([1, 2, 3, 4]))).join(), /^E_PACKAGE_MODULE module\.wasm: does not compile/);
  const strange = await assemble(`
    @external("env", "now") declare function now(): f64;
    @external("kestrel", "f64_parse") declare function parse(address: i32, length: i32): f64;
    export const abi_version: i32 = 1; export function input_base(): f64 { return now() + parse(0, 0); }`);
  const missing = [
    "input_capacity",
    "output_base",
    "late_base",
    "late_capacity",
    "lineage_flags",
    "flag_count",
    "predicate_count",
  ];
  assert.equal(await load(strange), [
    "E_PACKAGE_MODULE module.wasm: imports env.now, which does not exist",
    "E_PACKAGE_MODULE module.wasm: exports input_base as a function; it must be a global",
    ...[...missing, "run", "late_begin", "late_event", "late_test"].map(
      (name) => `E_PACKAGE_MODULE module.wasm: does not export ${name}`,
    ),
  ]);
  const misplaced = await assemble(`
    export const abi_version: i32 = 99; export const input_base: i32 = 0; export const input_capacity: i32 = 999999;
    export const output_base: i32 = -1; export function run(a: i32, n: i32): i32 { return a + n; }
    export const late_base: i32 = 262143; export const late_capacity: i32 = 65; export const lineage_flags: i32 = 262142;
    export const foreign_rests: i32 = 262145; export const foreign_base: i32 = 1; export const foreign_capacity: i32 = 262144;
    export function foreign_match(p: i32, n: i32): i32 { return p + n; }
    export const flag_count: i32 = 4; export const predicate_count: i32 = 0;
    export function late_begin(): void {} export function late_test(p: i32): i32 { return p; }
    export function late_event(r: i32, a: i32, n: i32): i32 { return r + a + n; }`);
  assert.equal(await load(misplaced), [
    `E_PACKAGE_ABI module.wasm: the module speaks ABI version 99; this runtime speaks ${ABI_VERSION}`,
    "E_PACKAGE_MODULE module.wasm: an input region of 999999 bytes at 0 does not fit into 262144 bytes of memory",
    "E_PACKAGE_MODULE module.wasm: the output region at 4294967295 stands outside 262144 bytes of memory",
    "E_PACKAGE_MODULE module.wasm: a late region of 65 bytes at 262143 does not fit into 262144 bytes of memory",
    "E_PACKAGE_MODULE module.wasm: texts of foreign code, 262144 bytes at 1, do not fit into 262144 bytes of memory",
    "E_PACKAGE_MODULE module.wasm: rests of 0 foreign codes at 262145 do not fit into 262144 bytes of memory",
    "E_PACKAGE_MODULE module.wasm: 4 lineage flags at 262142 do not fit into 262144 bytes of memory",
    "E_PACKAGE_MODULE module.wasm: has 0 predicates, the manifest 1",
  ]);
});

loading(
  "refuses a manifest that names what the module lacks, and a module that begins before it is looked at",
  async () => {
    const { module } = await fakePack(LATE_PACK);
    const load = (pack: Partial<FakePack>, bytes = module): Promise<string[]> => {
      const manifest = fakeManifest({ ...LATE_PACK, ...pack }, { "module.wasm": bytes });
      return problemsOf(packageFromMemory({ manifest, module: bytes }), true);
    };
    assert.equal(await load({}), []);
    const count = LATE_PACK.predicates.length;
    assert.equal(await load({ predicates: [...LATE_PACK.predicates, []] }), [
      `E_PACKAGE_MODULE module.wasm: has ${count} predicates, the manifest ${count + 1}`,
    ]);
    const [tree] = LATE_PACK.lineage ?? [];
    const [query] = tree?.queries ?? [];
    if (tree === undefined || query === undefined) throw new Error("no tree");
    assert.equal(await load({ lineage: [{ ...tree, queries: [{ ...query, flag: 999 }] }] }), []);
    assert.equal(await load({ lineage: [{ ...tree, queries: [{ ...query, flag: 1000 }] }] }), [
      "E_PACKAGE_MODULE module.wasm: has 1000 lineage flags, the manifest names 1001",
    ]);
    assert.equal(await load({ rules: [...LATE_PACK.rules, fakeRule("idle", "event")] }), [
      `E_PACKAGE_MANIFEST manifest.json: rules[${LATE_PACK.rules.length}]: neither a predicate nor a program decides it`,
    ]);
    // A loop that begins with the instance: nobody could end the loading of it.
    const starts = await assemble("for (;;) {}");
    assert.match((await load({}, starts)).join(), /E_PACKAGE_MODULE module\.wasm: has a start function/);
  },
);

loading("refuses programs that lead nowhere", async () => {
  const load = async (pack: Partial<FakePack>, batch = false): Promise<string[]> => {
    const found = await problemsOf(packageFromMemory(await fakePack({ ...EVERY_KIND, ...pack }), { batch }), true);
    return found.map((line) => line.replace("E_PACKAGE_MANIFEST manifest.json: ", ""));
  };
  const [first] = EVERY_KIND.programs;
  if (first === undefined) throw new Error("no program");
  const late = (predicate: number): LateTest => ({ predicate, stages: [] });
  const until = { predicate: 8, late: late(9) };
  const stages = [fakeStage(5, { late: late(6) })];
  assert.equal(
    await load({
      programs: [
        { ...first, rule: 0, stages, until, pipes: [{ kind: "filter", test: late(7) }] },
        { ...first, rule: 77 },
        first,
        first,
      ],
    }),
    [
      "programs[0].kind: is sequence, but rule 0 is of kind event",
      "programs[0].stages[0]: there is no predicate 5",
      "programs[0].stages[0].late: there is no predicate 6",
      "programs[0].until: there is no predicate 8",
      "programs[0].until.late: there is no predicate 9",
      "programs[0].pipes[0]: there is no predicate 7",
      "programs[1].rule: there is no rule 77",
      "programs[3].rule: rule 1 has a program already",
      "rules[2]: neither a predicate nor a program decides it",
      "rules[4]: neither a predicate nor a program decides it",
      "predicates[3]: decides rule 0, which has a program",
      "predicates[4]: decides rule 0, which has a program",
    ],
  );
  const tree = {
    dialect: "endgame",
    feed: 5,
    starts: 6,
    ends: 7,
    processes: 8,
    resets: 9,
    queries: [{ flag: 0, relation: "child", predicate: 10, late: late(11) }],
  } as const;
  assert.equal(
    await load({ lineage: [tree] }),
    ["feed", "starts", "ends", "processes", "resets", "queries[0]", "queries[0].late"].map(
      (name, at) => `lineage[0].${name}: there is no predicate ${5 + at}`,
    ),
  );
  const keys = late(0);
  const kinds = ["sort", "count"] as const;
  const batch = { ...first, pipes: [{ kind: "tail", count: 1 } as const, ...kinds.map((kind) => ({ kind, keys }))] };
  assert.equal(
    await load({ programs: [batch, ...EVERY_KIND.programs.slice(1)] }),
    ["tail", ...kinds].map(
      (kind, at) => `programs[0].pipes[${at}].kind: ${kind} needs the end of the matches, and a stream has none`,
    ),
  );
  assert.equal(await load({ programs: [batch, ...EVERY_KIND.programs.slice(1)] }, true), []);
});

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** The value with one of its parts replaced, for every part in it, with the part's path. */
function* damaged(value: Json, replaced: Json): Generator<Json> {
  yield replaced;
  if (Array.isArray(value)) {
    const items: readonly Json[] = value;
    for (const [at, item] of items.entries()) {
      for (const other of damaged(item, replaced)) yield items.map((old, index) => (index === at ? other : old));
      yield items.filter((_, index) => index !== at);
    }
  } else if (typeof value === "object" && value !== null) {
    for (const [name, item] of Object.entries(value)) {
      for (const other of damaged(item as Json, replaced)) yield { ...value, [name]: other };
      yield Object.fromEntries(Object.entries(value).filter(([own]) => own !== name));
    }
  }
}

loading(
  "trusts no part of a program or tree: what is taken means what it says, the rest has its place named",
  async () => {
    const { manifest, module } = await fakePack({ ...LATE_PACK, programs: [...LATE_PACK.programs] });
    const tables = JSON.parse(JSON.stringify({ programs: manifest.programs, lineage: manifest.lineage })) as Json;
    const bad: readonly Json[] = [null, true, -1, 0.5, 1e30, 2 ** 53, 3, "", "5000000000", "x", [], {}, [null], [{}]];
    let taken = 0;
    let refused = 0;
    for (const replaced of bad) {
      for (const part of damaged(tables, replaced)) {
        if (part === replaced) continue;
        const { programs, lineage } = part as unknown as PackageManifest;
        const changed = withDigest({ ...manifest, programs, lineage });
        // The wrong module keeps it from being compiled each time.
        const found = await problemsOf(packageFromMemory({ manifest: changed, module: module.subarray(1) }), true);
        const own = found.filter((problem) => !problem.startsWith("E_PACKAGE_FILE module.wasm"));
        for (const problem of own) {
          assert.match(problem, /^E_PACKAGE_MANIFEST manifest\.json: (programs|lineage|predicates|rules)\S*: /);
        }
        if (own.length > 0) {
          refused++;
          continue;
        }
        taken++;
        const pack = await packageFromMemory({ manifest: changed, module });
        assert.equal(JSON.parse(JSON.stringify(pack.programs.map(programToJson))), changed.programs);
        createDetector(pack, { latenessNs: null, onAlert: () => undefined });
      }
    }
    assert.ok(taken > 50 && refused > 3000, `${taken} taken, ${refused} refused`);
  },
);

loading.run();
