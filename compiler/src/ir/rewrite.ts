// What passes are made of: the same pack with other circuits, or with other numbers for its predicates.

import type { LateTest } from "@kestrel/stdlib/sequence-tables";
import { type AtomTable, createAtomTable } from "./atom-table.js";
import { type Circuit, mapAtoms } from "./circuit.js";
import { type Expression, mapOther } from "./expression.js";
import type { AtomId, PredicateId } from "./ids.js";
import { settleOrigins } from "./origins.js";
import type { Atom, PackIr } from "./pack-ir.js";

/**
 * The pack with every circuit rewritten, those inside atoms too; `rewrite` may intern atoms. Atoms that become equal become
 * one; atoms that nobody asks any more stay until the pass that drops them. An atom still has a smaller number than the
 * one that it stands in: they are renumbered in that order.
 */
export function rewriteCircuits(pack: PackIr, rewrite: (circuit: Circuit, atoms: AtomTable) => Circuit): PackIr {
  const atoms = createAtomTable();
  const numbers: AtomId[] = [];
  const moved = (circuit: Circuit): Circuit => mapAtoms(circuit, (id) => ({ kind: "atom", atom: numbers[id] ?? id }));
  for (const [id, atom] of pack.atoms.entries()) {
    const origins = pack.origins.atoms[id] ?? [];
    numbers[id] = atoms.intern(
      atom.kind === "search" ? { ...atom, circuit: rewrite(moved(atom.circuit), atoms) } : renumberTests(atom, numbers),
      origins,
    );
  }
  const predicates = pack.predicates.map((predicate) => ({
    ...predicate,
    circuit: rewrite(moved(predicate.circuit), atoms),
  }));
  return {
    ...pack,
    atoms: atoms.items,
    predicates,
    origins: { ...pack.origins, atoms: settleOrigins(atoms.origins) },
  };
}

/** The pack with only some of its atoms: `kept` ascending, with all atoms that stand inside them. */
export function keepAtoms(pack: PackIr, kept: readonly AtomId[]): PackIr {
  const numbers: AtomId[] = [];
  for (const [now, id] of kept.entries()) numbers[id] = now as AtomId;
  const moved = (circuit: Circuit): Circuit => mapAtoms(circuit, (id) => ({ kind: "atom", atom: numbers[id] ?? id }));
  const atoms = kept.flatMap((id) => {
    const atom = pack.atoms[id];
    if (atom === undefined) return [];
    return [atom.kind === "search" ? { ...atom, circuit: moved(atom.circuit) } : renumberTests(atom, numbers)];
  });
  return {
    ...pack,
    atoms,
    predicates: pack.predicates.map((predicate) => ({ ...predicate, circuit: moved(predicate.circuit) })),
    origins: { ...pack.origins, atoms: kept.map((id) => pack.origins.atoms[id] ?? []) },
  };
}

function renumberTests(atom: Atom, numbers: readonly AtomId[]): Atom {
  if (atom.kind !== "computed") return atom;
  const expression: Expression = mapOther(atom.expression, ({ atom: id }) => ({
    kind: "test",
    atom: numbers[id] ?? id,
  }));
  return { kind: "computed", expression };
}

/** Programs and process trees that name predicates by other numbers. */
export function renumberPredicates(
  { programs, lineage }: Pick<PackIr, "programs" | "lineage">,
  number: (id: PredicateId) => PredicateId,
): Pick<PackIr, "programs" | "lineage"> {
  const one = (id: number): number => number(id as PredicateId);
  const maybe = (id: number | null): number | null => (id === null ? null : one(id));
  const test = (named: LateTest): LateTest => ({
    ...named,
    predicate: one(named.predicate),
    ...(named.flagged === undefined
      ? {}
      : { flagged: { ...named.flagged, otherwise: maybe(named.flagged.otherwise) } }),
  });
  const late = <Named extends { readonly predicate: number; readonly late: LateTest | null }>(named: Named): Named => ({
    ...named,
    predicate: one(named.predicate),
    late: named.late === null ? null : test(named.late),
  });
  return {
    programs: programs.map((program) => ({
      ...program,
      stages: program.stages.map(late),
      until: program.until === null ? null : late(program.until),
      pipes: program.pipes.map((pipe) => {
        switch (pipe.kind) {
          case "head":
          case "tail":
            return pipe;
          case "filter":
            return { ...pipe, test: test(pipe.test) };
          default:
            return { ...pipe, keys: test(pipe.keys) };
        }
      }),
    })),
    lineage: lineage.map((tree) => ({
      ...tree,
      feed: one(tree.feed),
      starts: one(tree.starts),
      ends: one(tree.ends),
      processes: maybe(tree.processes),
      resets: maybe(tree.resets),
      queries: tree.queries.map(late),
    })),
  };
}
