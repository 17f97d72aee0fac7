// Lineage queries -> the programs that keep a process tree, one for each dialect that asks.
//
// An inner query gets its flag before the one it stands in, so flags are set in ascending order. The feed holds for every
// event that changes the tree, marks a process, or asks; fields that a schema lacks are read all the same.

import { defaultSchema, lookup } from "@kestrel/stdlib/schema/schema";
import type { Field, FieldType } from "@kestrel/stdlib/schema/types";
import type { LineageProgram, LineageQuery } from "@kestrel/stdlib/sequence-tables";
import type { DynamicValue } from "../analyse/endgame/dynamic.js";
import type { JoinKey, LineageRelation, TypedTerm } from "../analyse/typed.js";
import { canonicalText } from "../ir/intern.js";
import type { Circuit, PredicateId } from "../ir/pack-ir.js";
import type { Dialect } from "../syntax/ast.js";
import type { CategoryFields, PlannedTerm } from "./plan-pack.js";
import { type AtomTable, simplify } from "./typed-to-circuit.js";

export interface LineagePlan {
  /** The flag of a query, which is planned when it is new. */
  flagOf(relation: LineageRelation, query: TypedTerm): number;
  /** Notes the early circuit of a term that asks. */
  addUser(dialect: Dialect, early: Circuit): void;
  /** The programs; adds their predicates. */
  finish(): LineageProgram[];
}

interface Tree {
  readonly queries: LineageQuery[];
  readonly feeds: Circuit[];
}

export function createLineagePlan(
  planTerm: (term: TypedTerm) => PlannedTerm,
  addPredicate: (circuit: Circuit, keys: readonly JoinKey[], late: boolean) => PredicateId,
  atoms: AtomTable,
  categories: CategoryFields,
): LineagePlan {
  const trees = new Map<Dialect, Tree>();
  const flags = new Map<string, number>();

  const treeOf = (dialect: Dialect): Tree => {
    const tree = trees.get(dialect) ?? { queries: [], feeds: [] };
    trees.set(dialect, tree);
    return tree;
  };
  const set = (field: Field, ...texts: string[]): Circuit => ({
    kind: "atom",
    atom: atoms.intern({ kind: "set", field, fold: false, texts }),
  });
  const exists = (field: Field): Circuit => ({ kind: "atom", atom: atoms.intern({ kind: "exists", field }) });
  const all = (...operands: Circuit[]): Circuit => simplify({ kind: "and", operands }, atoms);
  const any = (...operands: Circuit[]): Circuit => simplify({ kind: "or", operands }, atoms);

  const elastic = ({ queries, feeds }: Tree): LineageProgram => {
    const process = set(categories.elastic, "process");
    const type = keyword("event.type");
    const identity = [
      keyword("process.entity_id"),
      long("process.pid"),
      keyword("process.parent.entity_id"),
      long("process.parent.pid"),
      keyword("host.id"),
    ];
    const [, , parentId = type, parentPid = type] = identity;
    const feed = any(process, exists(parentId), exists(parentPid), ...feeds);
    return {
      dialect: "elastic",
      feed: addPredicate(feed, identity.map(optionalKey), false),
      starts: addPredicate(all(process, set(type, "start")), [], false),
      ends: addPredicate(all(process, set(type, "end")), [], false),
      processes: null,
      resets: null,
      queries,
    };
  };

  const endgame = ({ queries, feeds }: Tree): LineageProgram => {
    const process = set(categories.endgame, "process");
    const [subtype, opcode] = [keyword("subtype"), long("opcode")];
    const opcodes = (...values: bigint[]): Circuit =>
      any(
        ...values.map(
          (value): Circuit => ({
            kind: "atom",
            atom: atoms.intern({ kind: "integer", field: opcode, op: "==", value }),
          }),
        ),
      );
    const starts = all(process, any(set(subtype, "create", "fork"), opcodes(1n, 3n, 9n)));
    const system: Circuit = {
      kind: "atom",
      atom: atoms.intern({ kind: "integer", field: long("pid"), op: "==", value: 4n }),
    };
    return {
      dialect: "endgame",
      feed: addPredicate(any(process, ...feeds), ["pid", "ppid"].map(rawKey), false),
      starts: addPredicate(starts, [], false),
      ends: addPredicate(all(process, any(set(subtype, "terminate"), opcodes(2n, 4n))), [], false),
      processes: addPredicate(process, [], false),
      resets: addPredicate(all(starts, system, set(keyword("process_name"), "System")), [], false),
      queries,
    };
  };

  return {
    flagOf(relation, query) {
      const key = canonicalText([relation, query]);
      const known = flags.get(key);
      if (known !== undefined) return known;
      const planned = planTerm(query);
      const flag = flags.size;
      flags.set(key, flag);
      const tree = treeOf(query.dialect);
      tree.queries.push({ flag, relation, predicate: planned.predicate, late: planned.late });
      tree.feeds.push(planned.early);
      return flag;
    },
    addUser(dialect, early) {
      treeOf(dialect).feeds.push(early);
    },
    finish: () =>
      [...trees]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([dialect, tree]) => (dialect === "elastic" ? elastic(tree) : endgame(tree))),
  };
}

function fieldOf(name: string, type: FieldType): Field {
  return { id: lookup(defaultSchema(), name)?.id ?? 0, name, type };
}

function keyword(name: string): Field {
  return fieldOf(name, "keyword");
}

function long(name: string): Field {
  return fieldOf(name, "long");
}

function optionalKey(field: Field): JoinKey {
  return { name: field.name, field, optional: true };
}

function rawKey(name: string): JoinKey {
  const value: DynamicValue = { kind: "field", field: { id: 0, name, type: "raw", whole: true }, path: [] };
  return { name, field: null, optional: true, computed: { value: { kind: "dynamic", value }, fold: true } };
}
