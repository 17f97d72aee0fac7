// What a module with foreign code has beside the others: the import that asks the host, and the patterns that the host asks for.
// See "Module interface" in stdlib/src/abi.ts.

import { FOREIGN_REST_BYTES, IMPORT_MODULE } from "@kestrel/stdlib/abi";
import type { PackIr } from "../../ir/pack-ir.js";
import type { DataSection } from "./data-section.js";
import { testAutomaton, testPatterns } from "./patterns-to-tests.js";
import { type Builder, type Expression, i32, i64, none } from "./seam.js";

/** Internal names. */
const FOREIGN_TEST = "foreign test";
export const FOREIGN_MATCH = "foreign match";

/** Adds the import, and a function for each pattern; `first` is the number of the first pattern of each foreign code. */
export function addForeignCode({
  b,
  pack: { foreigns },
  data,
}: {
  readonly b: Builder;
  readonly pack: PackIr;
  readonly data: DataSection;
}): { readonly names: readonly string[]; readonly first: readonly number[] } {
  const names: string[] = [];
  const first: number[] = [];
  if (foreigns.length > 0) {
    b.afterwards(() => b.module.addFunctionImport(FOREIGN_TEST, IMPORT_MODULE, "foreign_test", i32, i32));
  }
  const add = (test: (text: () => Expression) => Expression): void => {
    const name = `foreign pattern ${names.length}`;
    b.define(
      name,
      i64,
      i32,
      [],
      test(() => b.module.local.get(0, i64)),
    );
    names.push(name);
  };
  const nothing = { fold: false, exact: [], globs: [], regexes: [] };
  for (const { regexes, globs, generated } of foreigns) {
    first.push(names.length);
    for (const list of generated?.patterns ?? []) {
      add((text) => {
        const subject = list.fold ? b.prelude("fold", text()) : text();
        if (list.kind === "regexes") return testAutomaton(b, data, list.regexes, list.fold, subject);
        const trees = list.globs.map((tree) => ({ text: "", tree }));
        const kept = b.module.local.set(0, subject);
        const test = testPatterns(b, data, { ...nothing, fold: list.fold, globs: trees }, text);
        return b.module.block(null, [kept, test], i32);
      });
    }
    for (const regex of regexes) add((text) => testPatterns(b, data, { ...nothing, regexes: [regex] }, text));
    for (const glob of globs) add((text) => testPatterns(b, data, { ...nothing, globs: [glob] }, text));
  }
  return { names, first };
}

/** Adds the test of foreign code number `foreign`: the host is not called for an event that the code is left out of. */
export function addForeignTest(
  { module: m, word, define }: Builder,
  name: string,
  foreign: number,
  rests: number,
): void {
  const rest = word(rests + foreign * FOREIGN_REST_BYTES);
  const left = 0;
  const body = m.if(
    m.local.tee(left, m.i32.load(0, 4, rest), i32),
    m.block(null, [m.i32.store(0, 4, rest, m.i32.sub(m.local.get(left, i32), word(1))), word(0)], i32),
    m.call(FOREIGN_TEST, [word(foreign)], i32),
  );
  define(name, none, i32, [i32], body);
}

/**
 * Adds foreign_match over the functions that stand in `table` from index `first`, where the predicates stand too: there is only one
 * table in a module. What a pattern takes of the arena is given back:
 * it is not for foreign code to fill it.
 */
export function addForeignMatch(b: Builder, table: string, first: number, base: number): void {
  const { module: m } = b;
  const [pattern, length, mark, result] = [0, 1, 2, 3];
  const text = m.i64.or(m.i64.const(BigInt(base) << 32n), m.i64.extend_u(m.local.get(length, i32)));
  const body = m.block(
    null,
    [
      m.local.set(mark, b.prelude("mark")),
      m.local.set(
        result,
        m.call_indirect(table, m.i32.add(m.local.get(pattern, i32), b.word(first)), [text], i64, i32),
      ),
      b.prelude("release", m.local.get(mark, i32)),
      m.local.get(result, i32),
    ],
    i32,
  );
  b.define(FOREIGN_MATCH, b.types([i32, i32]), i32, [i32, i32], body);
}
