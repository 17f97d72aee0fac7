// A join key of a term, or a key of a pipe: a value that matches must have in common, or that tells them apart.

import type { DynamicValue, Flag } from "./dynamic-value.js";
import type { Reading } from "./reading.js";

/** As in dynamic-value.ts, the binder's keys may hold lineage queries where the plan's have flags. */
export interface Key<Asked = Flag> {
  /** As the rule writes it. */
  readonly name: string;
  readonly value:
    | { readonly kind: "reading"; readonly reading: Reading }
    /** An optional key that the schema lacks: always null. */
    | { readonly kind: "absent" }
    /** Of the endgame dialect, whose keys are any values; with `fold` texts of either case are one. */
    | { readonly kind: "dynamic"; readonly value: DynamicValue<Asked>; readonly fold: boolean };
  /** Whether a match without a value counts, with null as its key; otherwise it is no match. */
  readonly optional: boolean;
}
