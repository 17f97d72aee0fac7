// Lineage queries -> the programs that keep a process tree, one for each dialect that asks.
//
// A query that stands in the brackets of another gets the smaller flag. The runtime sets flags in ascending order, and
// the late test of the outer query reads the flag of the inner one.
// What starts and ends a process of the endgame dialect is a value, not a list that holds it.
// The feed holds for every event that changes the tree, marks a process, or meets a term with a lineage test. Its
// fields are those of Kestrel's own schema, so that a tree is also kept under a schema that lacks some of them.

import { defaultSchema, lookup } from "@kestrel/stdlib/schema/schema";
import type { LateTest, LineageProgram, LineageQuery } from "@kestrel/stdlib/sequence-tables";
import type { LineageRelation, TypedTerm } from "../analyse/typed.js";
import type { AtomTable } from "../ir/atom-table.js";
import { type Circuit, conjunction, disjunction } from "../ir/circuit.js";
import type { PredicateId } from "../ir/ids.js";
import { canonicalText } from "../ir/intern.js";
import type { Origin } from "../ir/origins.js";
import type { Atom, Key } from "../ir/pack-ir.js";
import { type Reading, readName, readWhole } from "../ir/reading.js";
import type { Dialect } from "../syntax/ast.js";

/** The query in the brackets, planned. */
export interface PlannedQuery {
  readonly early: Circuit;
  readonly predicate: PredicateId;
  readonly late: LateTest | null;
}

export interface LineagePlan {
  /** The flag of a query whose category is looked up in `field`; `plan` is asked for it when it is new. */
  flagOf(relation: LineageRelation, query: TypedTerm, field: Reading, plan: () => PlannedQuery): number;
  /** Notes a term with a lineage test: the tree has to see the events for which its early circuit holds. */
  addUser(dialect: Dialect, early: Circuit, origins: readonly Origin[]): void;
  /** The programs; adds their predicates. */
  finish(add: (circuit: Circuit, keys: readonly Key[], origins: readonly Origin[]) => PredicateId): LineageProgram[];
}

interface Tree {
  readonly queries: LineageQuery[];
  readonly feeds: Circuit[];
  /** Of the terms with a lineage test. */
  readonly origins: Origin[];
}

/** What a tree is made of, in its dialect's words. */
interface TreeCircuits {
  readonly feed: Circuit;
  readonly keys: readonly Key[];
  readonly starts: Circuit;
  readonly ends: Circuit;
  readonly processes: Circuit | null;
  readonly resets: Circuit | null;
}

export function createLineagePlan(
  atoms: AtomTable,
  categories: { readonly elastic: Reading; readonly endgame: Reading },
): LineagePlan {
  const trees = new Map<Dialect, Tree>();
  const flags = new Map<string, number>();
  const treeOf = (dialect: Dialect): Tree => {
    const tree = trees.get(dialect) ?? { queries: [], feeds: [], origins: [] };
    trees.set(dialect, tree);
    return tree;
  };
  return {
    flagOf(relation, { dialect, category, condition }, field, plan) {
      const key = canonicalText([relation, dialect, category, category === null ? null : field, condition]);
      const known = flags.get(key);
      if (known !== undefined) return known;
      const planned = plan();
      const flag = flags.size;
      flags.set(key, flag);
      const tree = treeOf(dialect);
      tree.queries.push({ flag, relation, predicate: planned.predicate, late: planned.late });
      tree.feeds.push(planned.early);
      return flag;
    },
    addUser(dialect, early, origins) {
      const tree = treeOf(dialect);
      tree.feeds.push(early);
      tree.origins.push(...origins);
    },
    finish: (add) =>
      [...trees]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([dialect, { queries, feeds, origins }]): LineageProgram => {
          const make = createMaker(atoms, origins);
          const tree = dialect === "elastic" ? elastic(categories.elastic, make) : endgame(categories.endgame, make);
          const addOne = (circuit: Circuit): PredicateId => add(circuit, [], origins);
          return {
            dialect,
            feed: add(disjunction([tree.feed, ...feeds]), tree.keys, origins),
            starts: addOne(tree.starts),
            ends: addOne(tree.ends),
            processes: tree.processes === null ? null : addOne(tree.processes),
            resets: tree.resets === null ? null : addOne(tree.resets),
            queries,
          };
        }),
  };
}

interface Maker {
  set(reading: Reading, ...texts: readonly string[]): Circuit;
  exists(reading: Reading): Circuit;
  /** Whether the value under a name is one of these texts or integers, as it stands there: a list that holds one is not. */
  is(name: string, ...values: readonly (string | bigint)[]): Circuit;
}

function createMaker(atoms: AtomTable, origins: readonly Origin[]): Maker {
  const atom = (value: Atom): Circuit => ({ kind: "atom", atom: atoms.intern(value, origins) });
  return {
    set: (reading, ...texts) => atom({ kind: "set", reading, fold: false, texts }),
    exists: (reading) => atom({ kind: "exists", reading }),
    is(name, ...values) {
      const texts = values.filter((value) => typeof value === "string");
      const integers = values.filter((value) => typeof value === "bigint");
      const reading = (as: "keyword" | "long"): Reading => known(name, as);
      const any = disjunction([
        ...(texts.length === 0 ? [] : [atom({ kind: "set", reading: reading("keyword"), fold: false, texts })]),
        ...integers.map((value) => atom({ kind: "integer", reading: reading("long"), op: "==", value })),
      ]);
      // The first half is cheap, and tells "System" from "SYSTEM", which are the same to the second.
      const subject = { kind: "field", reading: readWhole(name), path: [] } as const;
      return conjunction([any, atom({ kind: "dynamic", value: { kind: "member", subject, constants: values } })]);
    },
  };
}

function elastic(category: Reading, { set, exists }: Maker): TreeCircuits {
  const process = set(category, "process");
  const type = known("event.type", "keyword");
  const parentId = known("process.parent.entity_id", "keyword");
  const parentPid = known("process.parent.pid", "long");
  const identity = [
    known("process.entity_id", "keyword"),
    known("process.pid", "long"),
    parentId,
    parentPid,
    known("host.id", "keyword"),
  ];
  return {
    feed: disjunction([process, exists(parentId), exists(parentPid)]),
    keys: identity.map((reading) => ({ name: reading.name, value: { kind: "reading", reading }, optional: true })),
    starts: conjunction([process, set(type, "start")]),
    ends: conjunction([process, set(type, "end")]),
    processes: null,
    resets: null,
  };
}

function endgame(category: Reading, { set, is }: Maker): TreeCircuits {
  const process = set(category, "process");
  const starts = conjunction([process, disjunction([is("subtype", "create", "fork"), is("opcode", 1n, 3n, 9n)])]);
  return {
    feed: process,
    keys: ["pid", "ppid"].map(rawKey),
    starts,
    ends: conjunction([process, disjunction([is("subtype", "terminate"), is("opcode", 2n, 4n)])]),
    processes: process,
    resets: conjunction([starts, is("pid", 4n), is("process_name", "System")]),
  };
}

function known(name: string, as: "keyword" | "long"): Reading {
  return readName(name, as, lookup(defaultSchema(), name)?.id);
}

function rawKey(name: string): Key {
  const value = { kind: "field", reading: readWhole(name), path: [] } as const;
  return { name, value: { kind: "dynamic", value, fold: true }, optional: true };
}
