// The sizes of abi.ts and the extent of a pack's data -> the regions of its module's memory.
//
// The prelude does not look before each store. That it never writes into a foreign region rests on ASSUMPTIONS below, which
// are checked whenever a pack is lowered. Who changes a size, or writes an allocation of another size in the prelude, finds
// the argument here.

import {
  ARENA_BYTES,
  BLOCK_BYTES,
  BROKEN_LIMIT,
  BROKEN_RECORD_BYTES,
  CONTROL_BASE,
  CONTROL_BROKEN_TABLE,
  EVENT_HEADER_BYTES,
  FOLD_SHIFT,
  INPUT_BYTES,
  INPUT_PADDING,
  LATE_BYTES,
  LATE_LINES,
  LONGEST_JOIN,
  LONGEST_LINE,
  MATCH_BYTES,
  MEMBER_REGION_BYTES,
  MEMORY_END,
  OUTPUT_BYTES,
  OUTPUT_BYTES_A_PREDICATE,
  OVERFLOW_BYTES,
  OVERSIZE_REQUEST,
  PACK_DATA_BASE,
  PRELUDE_DATA_BASE,
  REPAIR_GROWTH,
  VALUE_BYTES,
} from "./abi.js";

/** The numbers of abi.ts that the assumptions speak of. */
export interface MemorySizes {
  readonly block: number;
  readonly padding: number;
  readonly controlEnd: number;
  readonly preludeData: number;
  readonly packData: number;
  readonly value: number;
  readonly eventHeader: number;
  readonly match: number;
  readonly longestLine: number;
  readonly input: number;
  readonly lateLines: number;
  readonly late: number;
  readonly longestJoin: number;
  readonly oversizeRequest: number;
  readonly repairGrowth: number;
  readonly foldShift: number;
  readonly members: number;
  readonly arena: number;
  readonly overflow: number;
  readonly output: number;
  readonly outputAPredicate: number;
}

export const MEMORY_SIZES: MemorySizes = {
  block: BLOCK_BYTES,
  padding: INPUT_PADDING,
  controlEnd: CONTROL_BASE + CONTROL_BROKEN_TABLE + BROKEN_LIMIT * BROKEN_RECORD_BYTES,
  preludeData: PRELUDE_DATA_BASE,
  packData: PACK_DATA_BASE,
  value: VALUE_BYTES,
  eventHeader: EVENT_HEADER_BYTES,
  match: MATCH_BYTES,
  longestLine: LONGEST_LINE,
  input: INPUT_BYTES,
  lateLines: LATE_LINES,
  late: LATE_BYTES,
  longestJoin: LONGEST_JOIN,
  oversizeRequest: OVERSIZE_REQUEST,
  repairGrowth: REPAIR_GROWTH,
  foldShift: FOLD_SHIFT,
  members: MEMBER_REGION_BYTES,
  arena: ARENA_BYTES,
  overflow: OVERFLOW_BYTES,
  output: OUTPUT_BYTES,
  outputAPredicate: OUTPUT_BYTES_A_PREDICATE,
};

export type AssumptionName =
  | "padding"
  | "control"
  | "input-holds"
  | "input-bounds"
  | "late"
  | "overflow-repair"
  | "overflow-fold"
  | "overflow-list"
  | "oversize"
  | "output-header"
  | "output-matches";

export interface Assumption {
  readonly name: AssumptionName;
  /** What is to hold, and what goes wrong otherwise. */
  readonly says: string;
  readonly holds: (sizes: MemorySizes) => boolean;
}

export const ASSUMPTIONS: readonly Assumption[] = [
  {
    name: "padding",
    says: "padding >= block: the prelude reads whole blocks, so a text at the end of a region is read as far behind it (bytes.ts)",
    holds: ({ padding, block }) => padding >= block,
  },
  {
    name: "control",
    says: "control end <= prelude data: records of broken lines would overwrite what the prelude holds as constants (recordBroken in index.ts)",
    holds: ({ controlEnd, preludeData }) => controlEnd <= preludeData,
  },
  {
    name: "input-holds",
    says: "input - padding > longest line: a line of the length that --max-line allows would be left out all the same (evaluator.ts)",
    holds: ({ input, padding, longestLine }) => input - padding > longestLine,
  },
  {
    name: "input-bounds",
    says: "input - padding <= longest line + 1: a longer line would be judged, and the overflow area is made for none longer (evaluator.ts)",
    holds: ({ input, padding, longestLine }) => input - padding <= longestLine + 1,
  },
  {
    name: "late",
    says: "late - padding >= late lines of the longest: a late test of long events would be given up (late-tests.ts)",
    holds: ({ late, padding, lateLines, longestLine }) => late - padding >= lateLines * (longestLine + 1),
  },
  {
    name: "overflow-repair",
    says: "overflow >= repaired line + block: repairing a text in a full arena would write into the output (repaired in unicode.ts; an unescaped text asks for a line and three blocks)",
    holds: ({ overflow, repairGrowth, longestLine, block }) => overflow >= repairGrowth * longestLine + block,
  },
  {
    name: "overflow-fold",
    says: "overflow >= folded text + block: folding the longest text in a full arena would write into the output (foldedText in unicode.ts)",
    holds: (sizes) => {
      const longest = longestText(sizes);
      return sizes.overflow >= longest + (longest >> sizes.foldShift) + sizes.block;
    },
  },
  {
    name: "overflow-list",
    says: "overflow >= longest list of values: an array of the longest line in a full arena would be written into the output (appendValue in slots.ts)",
    // The shortest value is a digit with its comma. Lists double.
    holds: ({ overflow, longestLine, value }) => overflow >= powerOfTwoFrom(longestLine / 2) * value,
  },
  {
    name: "oversize",
    says: "oversize request > arena: a join that is too long would be given memory, instead of giving the event up (concat in functions.ts)",
    holds: ({ oversizeRequest, arena }) => oversizeRequest > arena,
  },
  {
    name: "output-header",
    says: "half of the output >= header of an event: the first event of a batch is written unasked (run in index.ts)",
    holds: ({ output, eventHeader }) => output >= 2 * eventHeader,
  },
  {
    name: "output-matches",
    says: "half of the output for a predicate >= its match: an event that matches every predicate is written unasked (emit in index.ts)",
    holds: ({ outputAPredicate, match }) => outputAPredicate >= 2 * match,
  },
];

/** Texts come from a line, repaired or not, or are joined. */
function longestText({ longestJoin, repairGrowth, longestLine }: MemorySizes): number {
  return Math.max(longestJoin, repairGrowth * longestLine);
}

function powerOfTwoFrom(least: number): number {
  let power = 1;
  while (power < least) power *= 2;
  return power;
}

/** The assumptions that do not hold for these sizes; none of MEMORY_SIZES. */
export function brokenAssumptions(sizes: MemorySizes): readonly Assumption[] {
  return ASSUMPTIONS.filter(({ holds }) => !holds(sizes));
}

/** What a pack puts in front of the regions. */
export interface PackExtent {
  /** Address behind the static data of the prelude. */
  readonly preludeEnd: number;
  /** Address behind the constant data of the pack. */
  readonly dataEnd: number;
  readonly predicates: number;
  /** Bytes of the longest text that foreign code matches; absent where there is none. */
  readonly foreignText?: number;
}

export interface Regions {
  readonly membersBase: number;
  readonly arenaBase: number;
  readonly arenaEnd: number;
  readonly outputBase: number;
  readonly outputEnd: number;
  readonly inputBase: number;
  readonly lateBase: number;
  readonly foreignBase: number;
  readonly end: number;
}

/** The regions behind a pack's data. Throws when an assumption does not hold, or the memory would be too large. */
export function layOutMemory(extent: PackExtent, sizes: MemorySizes = MEMORY_SIZES): Regions {
  const broken = brokenAssumptions(sizes);
  if (broken.length > 0) throw new Error(`the memory layout is not safe: ${broken.map(({ says }) => says).join("; ")}`);
  const { preludeEnd, dataEnd, predicates, foreignText = 0 } = extent;
  if (preludeEnd > sizes.packData) {
    throw new Error(
      `the data of the prelude ends at ${preludeEnd}, where the state of the pack stands from ${sizes.packData}`,
    );
  }
  const membersBase = aligned(dataEnd);
  const arenaBase = aligned(membersBase + sizes.members);
  const arenaEnd = arenaBase + sizes.arena;
  const outputBase = aligned(arenaEnd + sizes.overflow + sizes.padding);
  const outputEnd = outputBase + aligned(sizes.output + predicates * sizes.outputAPredicate);
  const inputBase = aligned(outputEnd + sizes.padding);
  const lateBase = aligned(inputBase + sizes.input + sizes.padding);
  const foreignBase = aligned(lateBase + sizes.late + sizes.padding);
  const end = foreignText === 0 ? foreignBase : foreignBase + foreignText + sizes.padding;
  if (end > MEMORY_END) throw new Error(`the pack needs ${end} bytes of memory; addresses end at ${MEMORY_END}`);
  return { membersBase, arenaBase, arenaEnd, outputBase, outputEnd, inputBase, lateBase, foreignBase, end };
}

function aligned(address: number): number {
  return Math.ceil(address / 8) * 8;
}
