// A circuit -> code that goes to a label when the circuit has a value, and goes on behind it when it has the other. Nothing is computed of the circuit, so there is
// nothing for an optimiser to take away, and the code is flat where the circuit is:
//
//   a and not b, leaving to $out when false        a or b, the same
//     (br_if $out (i32.eqz a))                       (block $after
//     (br_if $out b)                                   (br_if $after a)
//                                                      (br_if $out (i32.eqz b)))

import type { Circuit } from "../../ir/circuit.js";
import type { AtomId } from "../../ir/pack-ir.js";
import { type Builder, type Expression, none } from "./seam.js";

/** Code that goes to `label` when an atom is `when`. */
export type LeaveByAtom = (atom: AtomId, when: boolean, label: string) => Expression;

/** Code that goes to `label` when the circuit is `when`. */
export function leaveWhen(
  b: Builder,
  circuit: Circuit,
  when: boolean,
  label: string,
  leaveByAtom: LeaveByAtom,
): Expression[] {
  const { module: m } = b;
  switch (circuit.kind) {
    case "constant":
      return circuit.value === when ? [m.br(label)] : [];
    case "atom":
      return [leaveByAtom(circuit.atom, when, label)];
    case "not":
      return leaveWhen(b, circuit.operand, !when, label, leaveByAtom);
    case "and":
    case "or": {
      // What one operand alone can decide.
      const decisive = circuit.kind === "or";
      const { operands } = circuit;
      if (decisive === when) return operands.flatMap((one) => leaveWhen(b, one, when, label, leaveByAtom));
      const after = b.label();
      const code = operands.flatMap((one, at) =>
        at < operands.length - 1
          ? leaveWhen(b, one, decisive, after, leaveByAtom)
          : leaveWhen(b, one, when, label, leaveByAtom),
      );
      return [m.block(after, code, none)];
    }
  }
}
