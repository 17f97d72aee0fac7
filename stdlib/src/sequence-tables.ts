// What the compiler tells the runtime about sequences and samples: programs <-> bytes of `sequences.bin`.
//
// Every word is a little-endian u32.
//
//   word 0   magic "KSEQ"
//   word 1   version
//   word 2   number of programs
//   then for each program, in index order:
//     word 0     rule
//     word 1     kind: 0 sequence, 1 sample
//     word 2, 3  maxspan in nanoseconds, low half then high half; 0 when there is none
//     word 4     predicate of `until`; NONE when there is none
//     word 5     number of stages
//     word 6...  one word a stage: predicate * 2 + (1 for a missing event)
//
// INVARIANT: encodeSequences and decodeSequences accept exactly the same programs (checkProgram), and each is the inverse
// of the other, so a table has one encoding.

const MAGIC = 0x5145_534b;
const VERSION = 1;
const HEADER_WORDS = 3;
const PROGRAM_WORDS = 6;
const NONE = 0xffff_ffff;
/** Keeps what the runtime lays out by predicate within reason, whatever a damaged table says. */
const MAX_PREDICATE = (1 << 24) - 1;
const MAX_MAXSPAN = (1n << 63n) - 1n;

/** One stage of a program, `runs` already written out. */
export interface SequenceStage {
  /**
   * The predicate that must hold. A predicate of these tables is a condition together with its join keys: two stages with
   * the same condition and other keys have two ids.
   */
  readonly predicate: number;
  /** True for `![ ]`. */
  readonly missing: boolean;
}

/** A sequence, or a sample (one stage a filter, in the order written). */
export interface SequenceProgram {
  readonly rule: number;
  readonly kind: "sequence" | "sample";
  readonly maxspanNs: bigint | null;
  readonly stages: readonly SequenceStage[];
  /** The predicate of `until`. */
  readonly until: number | null;
}

export type SequenceTablesErrorCode =
  | "KSEQ_MAGIC"
  | "KSEQ_VERSION"
  | "KSEQ_TRUNCATED"
  | "KSEQ_TRAILING"
  | "KSEQ_RULE"
  | "KSEQ_KIND"
  | "KSEQ_MAXSPAN"
  | "KSEQ_STAGES"
  | "KSEQ_PREDICATE";

/** Thrown for a table, or a program, that makes no sense. */
export class SequenceTablesError extends Error {
  readonly code: SequenceTablesErrorCode;
  constructor(code: SequenceTablesErrorCode, message: string) {
    super(message);
    this.name = "SequenceTablesError";
    this.code = code;
  }
}

/** Programs to the bytes drawn above. Throws {@link SequenceTablesError} for a program that could not be read back. */
export function encodeSequences(programs: readonly SequenceProgram[]): Uint8Array {
  let words = HEADER_WORDS;
  for (const program of programs) words += PROGRAM_WORDS + program.stages.length;
  const bytes = new Uint8Array(words * 4);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const put = (word: number): void => {
    view.setUint32(at, word, true);
    at += 4;
  };
  put(MAGIC);
  put(VERSION);
  put(programs.length);
  for (const [index, program] of programs.entries()) {
    checkProgram(program, index);
    const maxspan = program.maxspanNs ?? 0n;
    put(program.rule);
    put(program.kind === "sample" ? 1 : 0);
    put(Number(maxspan & 0xffff_ffffn));
    put(Number(maxspan >> 32n));
    put(program.until ?? NONE);
    put(program.stages.length);
    for (const stage of program.stages) put(stage.predicate * 2 + (stage.missing ? 1 : 0));
  }
  return bytes;
}

/** The bytes drawn above to programs. Throws {@link SequenceTablesError} for anything else. */
export function decodeSequences(bytes: Uint8Array): SequenceProgram[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (): number => {
    if (at + 4 > view.byteLength) throw new SequenceTablesError("KSEQ_TRUNCATED", `the table ends at byte ${at}`);
    at += 4;
    return view.getUint32(at - 4, true);
  };
  if (take() !== MAGIC) throw new SequenceTablesError("KSEQ_MAGIC", "not a sequence table");
  const version = take();
  if (version !== VERSION) throw new SequenceTablesError("KSEQ_VERSION", `table version ${version}, not ${VERSION}`);
  const count = take();
  const programs: SequenceProgram[] = [];
  for (let index = 0; index < count; index++) {
    const rule = take();
    const kind = take();
    if (kind > 1) throw new SequenceTablesError("KSEQ_KIND", `program ${index}: kind ${kind} does not exist`);
    const maxspan = BigInt(take()) | (BigInt(take()) << 32n);
    const until = take();
    const stages: SequenceStage[] = [];
    for (let left = take(); left > 0; left--) {
      const word = take();
      stages.push({ predicate: word >>> 1, missing: (word & 1) === 1 });
    }
    const program: SequenceProgram = {
      rule,
      kind: kind === 1 ? "sample" : "sequence",
      maxspanNs: maxspan === 0n ? null : maxspan,
      stages,
      until: until === NONE ? null : until,
    };
    checkProgram(program, index);
    programs.push(program);
  }
  if (at !== view.byteLength) throw new SequenceTablesError("KSEQ_TRAILING", `${view.byteLength - at} bytes too many`);
  return programs;
}

/** What both directions hold a program to (EQL reference, sections 9 and 10). */
function checkProgram(program: SequenceProgram, index: number): void {
  const fail = (code: SequenceTablesErrorCode, message: string): never => {
    throw new SequenceTablesError(code, `program ${index}: ${message}`);
  };
  const isPredicate = (id: number): boolean => Number.isInteger(id) && id >= 0 && id <= MAX_PREDICATE;
  const { rule, kind, maxspanNs, stages, until } = program;
  if (!Number.isInteger(rule) || rule < 0 || rule > NONE) fail("KSEQ_RULE", `rule ${rule} is not an id`);
  if (maxspanNs !== null && (maxspanNs <= 0n || maxspanNs > MAX_MAXSPAN)) {
    fail("KSEQ_MAXSPAN", `a maxspan of ${maxspanNs} ns is out of range`);
  }
  if (!stages.every((stage) => isPredicate(stage.predicate))) fail("KSEQ_PREDICATE", "a stage names no predicate");
  if (until !== null && !isPredicate(until)) fail("KSEQ_PREDICATE", "until names no predicate");
  if (!stages.some((stage) => !stage.missing)) fail("KSEQ_STAGES", "at least one stage must be an event");
  const missing = stages.some((stage) => stage.missing);
  if (kind === "sample" && (missing || until !== null || maxspanNs !== null)) {
    fail("KSEQ_STAGES", "a sample has neither missing events nor until nor maxspan");
  }
  if (missing && maxspanNs === null) fail("KSEQ_MAXSPAN", "missing events need a maxspan");
}
