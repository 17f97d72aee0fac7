// The comparisons, told by which orders of the two sides they hold for; `!=` is the negation of `==`.

export type ComparisonOp = "==" | "<" | "<=" | ">" | ">=";

interface Comparison {
  /** Whether it holds when the left side is less than the right, equal to it, greater. */
  readonly less: boolean;
  readonly equal: boolean;
  readonly greater: boolean;
  /** The one that says the same of the sides exchanged. */
  readonly mirrored: ComparisonOp;
}

export const COMPARISONS: Readonly<Record<ComparisonOp, Comparison>> = {
  "==": { less: false, equal: true, greater: false, mirrored: "==" },
  "<": { less: true, equal: false, greater: false, mirrored: ">" },
  "<=": { less: true, equal: true, greater: false, mirrored: ">=" },
  ">": { less: false, equal: false, greater: true, mirrored: "<" },
  ">=": { less: false, equal: true, greater: true, mirrored: "<=" },
};

/** Whether it holds of two sides of which the left is less (`order` below 0), equal (0) or greater. */
export function holds(op: ComparisonOp, order: number): boolean {
  const { less, equal, greater } = COMPARISONS[op];
  return order < 0 ? less : order > 0 ? greater : equal;
}
