// What happens to a pack of which a part cannot be lowered: the rules that it stands in are named, and the others go on.

import { lowerPack } from "@kestrel/compiler/backend/wasm/lower-pack";
import { LoweringError, PatternTooLarge } from "@kestrel/compiler/backend/wasm/lowering-error";
import { analyseRules, type CompiledRule, compilePack, DEFAULT_OPTIONS, planRules } from "@kestrel/compiler/compile";
import type { Atom, PackIr } from "@kestrel/compiler/ir/pack-ir";
import { readName } from "@kestrel/compiler/ir/reading";
import { compileWhatFits } from "@kestrel/compiler/package/compile-what-fits";
import { bareRule } from "@kestrel/compiler/rule/rule";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const lowering = suite("lowering");

const QUERIES = [
  'process where process.name == "a"',
  "process where length(process.name) > 3",
  'network where process.name == "a" and length(process.name) > 3',
  "file where file.size > 7",
];

function rules(): readonly CompiledRule[] {
  const analysed = analyseRules(
    QUERIES.map((query, index) => bareRule(`r${index}`, query, `r${index}.eql`)),
    DEFAULT_OPTIONS,
  );
  assert.equal(analysed.diagnostics, []);
  return analysed.rules;
}

/** The pack with one atom replaced. */
function withAtom(pack: PackIr, wanted: (atom: Atom) => boolean, atom: Atom): PackIr {
  assert.is(pack.atoms.filter(wanted).length, 1);
  return { ...pack, atoms: pack.atoms.map((one) => (wanted(one) ? atom : one)) };
}

function lowerError(pack: PackIr): LoweringError {
  const events = { timestamp: readName("@timestamp", "date"), unit: "auto" as const, tiebreaker: null };
  try {
    lowerPack(pack, { events, optimize: false, text: false });
  } catch (error) {
    assert.instance(error, LoweringError);
    return error as LoweringError;
  }
  throw new Error("the pack was lowered");
}

lowering("an atom that cannot be lowered names every rule that asks it", () => {
  const pack = planRules(rules(), DEFAULT_OPTIONS);
  // A test of an atom that is not there: a defect of the plan, as one of eqlc's own would be.
  const broken: Atom = { kind: "computed", expression: { kind: "test", atom: 99 } };
  const error = lowerError(withAtom(pack, ({ kind }) => kind === "computed", broken));
  assert.equal(error.rules, [1, 2]);
  assert.is(error.isLimit, false);
  assert.match(error.message, "there is no atom 99");
});

lowering("a pack whose passes have not run is refused", () => {
  const pack = planRules(rules(), DEFAULT_OPTIONS);
  const events = { timestamp: readName("@timestamp", "date"), unit: "auto" as const, tiebreaker: null };
  assert.throws(() => lowerPack({ ...pack, index: null }, { events, optimize: false, text: false }), /has no index/);
});

lowering("the rules that an error names are left out with a diagnostic, and the others compile", () => {
  const all = rules();
  const bad = new Set([all[1], all[2]]);
  const { pack, diagnostics } = compileWhatFits(all, DEFAULT_OPTIONS, (some, options) => {
    const named = some.flatMap((rule, index) => (bad.has(rule) ? [index] : []));
    return named.length > 0 ? new LoweringError(named, new Error("oh")) : compilePack(some, options);
  });
  assert.equal(
    pack?.rules.map(({ rule }) => rule.id),
    ["r0", "r3"],
  );
  assert.equal(
    diagnostics.map(({ code, message, place }) => [code, message, place.rule]),
    [
      ["E0403", "eqlc itself failed on the rule: oh", "r1"],
      ["E0403", "eqlc itself failed on the rule: oh", "r2"],
    ],
  );
});

lowering("where an error names no rule, the rules that fail alone are found", () => {
  const all = rules();
  const tried: number[] = [];
  const { pack, diagnostics } = compileWhatFits(all, DEFAULT_OPTIONS, (some, options) => {
    tried.push(some.length);
    return some.includes(all[3] as CompiledRule) ? new LoweringError([], new Error("oh")) : compilePack(some, options);
  });
  assert.is(pack?.rules.length, 3);
  assert.equal(
    diagnostics.map(({ place }) => place.rule),
    ["r3"],
  );
  assert.ok(tried.length < 8, `compiled ${tried.length} times`);
});

lowering("a limit is the rule's affair, anything else eqlc's", () => {
  const all = rules();
  const fail = (cause: Error): readonly string[] => {
    const { pack, diagnostics } = compileWhatFits(all, DEFAULT_OPTIONS, () => new LoweringError([], cause));
    assert.is(pack, null);
    return diagnostics.map(({ code }) => code);
  };
  assert.equal(fail(new PatternTooLarge("too many states")), ["E0402", "E0402", "E0402", "E0402"]);
  assert.equal(fail(new RangeError("oh")), ["E0403", "E0403", "E0403", "E0403"]);
});

lowering.run();
