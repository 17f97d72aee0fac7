// What a guest printed on its serial line → what became of each test file, and whether that counts as passed.

import { MARK } from "./guest.js";

/** One test file in the guest. */
export interface FileRun {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What it printed, and what the kernel wrote meanwhile. */
  readonly output: string;
  /** Why the run of the file is no proof of anything, whatever it counted; null where it is one. */
  readonly broken: string | null;
}

export interface GuestRun {
  /** The version that the guest says it runs; null when it did not come so far. */
  readonly kernel: string | null;
  readonly files: readonly FileRun[];
  /** Seconds from the kernel's start to the end of the last file; null when the guest did not come so far. */
  readonly seconds: number | null;
}

/** The lines that a terminal would show: without carriage returns and control sequences. */
export function plainLines(serial: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return serial.replace(/\r|\x1b\[[0-9;?]*[A-Za-z]|\x1bc/g, "").split("\n");
}

/**
 * Reads the serial line of a guest that was to run `files`. Each of them is in the result: one that did not begin or did not end is
 * broken, and so is one whose tests did not all run, since a test that is skipped says nothing about this kernel.
 */
export function readSerial(serial: string, files: readonly string[]): GuestRun {
  const lines = plainLines(serial);
  const marked = (words: string): number => lines.indexOf(`${MARK} ${words}`);
  const after = (word: string): string | null => {
    const start = `${MARK} ${word} `;
    return lines.find((line) => line.startsWith(start))?.slice(start.length) ?? null;
  };
  const up = after("up");
  return {
    kernel: after("kernel"),
    files: files.map((file) => {
      const begin = marked(`begin ${file}`);
      if (begin < 0) return notRun(file, "", "it was not begun");
      const ends = `${MARK} end ${file} `;
      const end = lines.findIndex((line) => line.startsWith(ends));
      const output = lines.slice(begin + 1, end < 0 ? lines.length : end).join("\n");
      if (end < 0) return notRun(file, output, "it did not come to its end");
      return readFile(file, output, Number(lines[end]?.slice(ends.length)));
    }),
    seconds: up === null ? null : Number(up),
  };
}

function notRun(file: string, output: string, broken: string): FileRun {
  return { file, passed: 0, failed: 0, skipped: 0, output, broken };
}

function readFile(file: string, output: string, code: number): FileRun {
  const counted = [...output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)].at(-1);
  if (counted === undefined) return notRun(file, output, `it ended with ${code}, and counted nothing`);
  const [passed = 0, failed = 0, skipped = 0] = counted.slice(1).map((count) => Number(count ?? 0));
  const run = { file, passed, failed, skipped, output };
  if (failed > 0) return { ...run, broken: null };
  if (skipped > 0) return { ...run, broken: `${skipped} were skipped, and on this kernel none may be` };
  if (passed === 0 || code !== 0) return { ...run, broken: `it ended with ${code}, and ${passed} passed` };
  return { ...run, broken: null };
}

/** Tests that have to have run on a kernel before anything is believed of it. There are more, and will be more still. */
const LEAST = 16;

export interface Verdict {
  readonly passed: number;
  readonly failed: number;
  /** What speaks against the run beside tests that failed, each in a line. */
  readonly wrong: readonly string[];
}

/**
 * What a run counts for. Each thing that is wrong with it is a failure, however many tests passed.
 *
 * @param ended Why the machine did not end by itself; null when it did.
 * @param release The kernel that was to run.
 */
export function verdictOf(run: GuestRun, ended: string | null, release: string): Verdict {
  const passed = run.files.reduce((sum, file) => sum + file.passed, 0);
  const wrong = run.files.flatMap(({ file, broken }) => (broken === null ? [] : [`${file}: ${broken}`]));
  if (ended !== null) wrong.push(ended);
  if (run.kernel !== release) wrong.push(`${run.kernel ?? "no kernel"} ran, and not ${release}`);
  if (run.seconds === null) wrong.push("the guest did not come to its end");
  if (passed < LEAST) wrong.push(`${passed} tests passed, and there are at least ${LEAST}`);
  return { passed, failed: run.files.reduce((sum, file) => sum + file.failed, 0) + wrong.length, wrong };
}
