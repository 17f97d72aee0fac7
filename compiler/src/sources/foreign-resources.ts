// resources/regexes.txt and resources/globs.txt of a hand-written rule -> parsed patterns.
//
// INVARIANT: the pattern of line n, counted from 0, has the number n. So an empty line is a pattern too, and only the line end behind
// the last one is not.

import { MOST_PATTERNS } from "@kestrel/stdlib/host-api";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { type GlobPattern, globOf, type RegexPattern, regexOf } from "../patterns/patterns.js";
import { compileRegex } from "../patterns/regex-compile.js";
import { unanchored } from "../patterns/unanchored.js";
import { globFits } from "../patterns/wildcard.js";
import { fileProblem, type SourceFile } from "./source-file.js";

export const REGEX_FILE = "resources/regexes.txt";
export const GLOB_FILE = "resources/globs.txt";

/**
 * Written out, before a table is made of it. One that gets no table takes as many steps for a byte at worst, and a rule decides for itself
 * how long the texts are that it matches.
 */
const MOST_STATES = 4096;

/** Calls `parse` for every line with its offset. */
function readLines<P>(
  file: SourceFile,
  report: (problem: Diagnostic) => void,
  parse: (line: string, offset: number) => P | null,
): readonly P[] {
  if (file.text === "") return [];
  const lines = (file.text.endsWith("\n") ? file.text.slice(0, -1) : file.text).split("\n");
  if (lines.length > MOST_PATTERNS) {
    report(
      fileProblem(file, "E0705", `the file has ${lines.length} patterns, and at most ${MOST_PATTERNS} are allowed`),
    );
    return [];
  }
  let offset = 0;
  return lines.flatMap((line) => {
    const pattern = parse(line, offset);
    offset += line.length + 1;
    return pattern === null ? [] : [pattern];
  });
}

/** Every regular expression of the file, each made to match anywhere in a text. */
export function readRegexes(file: SourceFile, report: (problem: Diagnostic) => void): readonly RegexPattern[] {
  return readLines(file, report, (line, offset) => {
    const parsed = regexOf(line);
    if ("message" in parsed) {
      const start = offset + parsed.offset;
      report(fileProblem(file, "E0705", parsed.message, { start, end: start + parsed.length }));
      return null;
    }
    const pattern = unanchored(parsed);
    const program = compileRegex([pattern.tree], pattern.insensitive, { maxNfaStates: MOST_STATES });
    if (program.kind !== "too-large") return pattern;
    report(fileProblem(file, "E0705", program.message, { start: offset, end: offset + line.length }));
    return null;
  });
}

export function readGlobs(file: SourceFile, report: (problem: Diagnostic) => void): readonly GlobPattern[] {
  return readLines(file, report, (line, offset) => {
    const pattern = globOf(line);
    if (globFits(pattern.tree, false)) return pattern;
    const span = { start: offset, end: offset + line.length };
    report(fileProblem(file, "E0705", "the wildcard is longer than its matcher can take", span));
    return null;
  });
}
