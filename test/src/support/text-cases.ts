// Files of text cases -> cases, and what the code says now -> the same files. test/cases/README.md describes the form.
//
// A file is read by lines, and what a line is shows in how it begins:
//
//   // …           a comment
//   # …            the title of a case
//   name: text     a section of one line
//   name:          a section, its text on the lines below it that begin with two spaces
//     \text        a line of such a text that begins with what follows the backslash; alone it is an empty line
//
// INVARIANT: a file that is malformed is refused with the line, and no section is empty by accident: the empty text is
// written as a backslash.

import { readFileSync, writeFileSync } from "node:fs";

export interface Section {
  readonly name: string;
  readonly text: string;
  /** Of its name, from 1. */
  readonly line: number;
  /** Nothing stands behind or below its name, which UPDATE=1 may change. */
  readonly isEmpty: boolean;
}

export interface TextCase {
  readonly title: string;
  readonly line: number;
  readonly sections: readonly Section[];
}

/** What the cases of a folder are made of. */
export interface CaseKind {
  readonly inputs: readonly string[];
  /** Sections whose text the code decides. Every case has at least one. */
  readonly expectations: readonly string[];
}

/** How many lines of a text a failure shows. */
const SHOWN = 20;

interface ReadOptions {
  /** Expectations may be empty, as they are to be written. */
  readonly update: boolean;
}

/** Throws Error, with the line, for a file that does not follow the form or has no case. */
export function readTextCases(source: string, kind: CaseKind, { update }: ReadOptions): TextCase[] {
  const names = [...kind.inputs, ...kind.expectations];
  const cases: { title: string; line: number; sections: Section[] }[] = [];
  const lines = source.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const refuse = (reason: string): never => {
      throw new Error(`line ${at + 1}: ${reason}: ${line}`);
    };
    if (line === "" || line.startsWith("//")) continue;
    const title = /^# (.*\S)$/.exec(line)?.[1];
    if (title !== undefined) {
      cases.push({ title, line: at + 1, sections: [] });
      continue;
    }
    const [, name, inline] = /^([a-z][a-z-]*):(?: (.*))?$/.exec(line) ?? [];
    if (name === undefined) return refuse("belongs to nothing");
    if (!names.includes(name)) refuse(`no section is called so, but ${names.join(", ")}`);
    const current = cases.at(-1);
    if (current === undefined) return refuse("stands before the first title");
    const start = at + 1;
    const below: string[] = [];
    // An empty line belongs to a text that goes on behind it.
    for (let next = at + 1; next < lines.length; next++) {
      const text = lines[next] ?? "";
      if (text.startsWith("  ")) {
        while (below.length < next - start) below.push("");
        below.push(unescaped(text.slice(2)));
        at = next;
      } else if (text !== "") break;
    }
    if (inline !== undefined && below.length > 0) refuse("has text behind its name and below it");
    const isEmpty = (inline ?? "") === "" && below.length === 0;
    if (isEmpty && !(update && kind.expectations.includes(name))) refuse("is empty, which is written as a backslash");
    current.sections.push({
      name,
      text: inline === undefined ? below.join("\n") : unescaped(inline),
      line: start,
      isEmpty,
    });
  }
  for (const { title, line, sections } of cases) {
    if (!sections.some(({ name }) => kind.expectations.includes(name)))
      throw new Error(`line ${line}: the case expects nothing: ${title}`);
  }
  if (cases.length === 0) throw new Error("there is no case");
  return cases;
}

/** A section as it stands in a file; reading it gives the text again. */
export function writeSection(name: string, text: string): string {
  const lines = text.split("\n");
  if (lines.length === 1 && !text.startsWith(" ")) return `${name}: ${text === "" ? "\\" : escaped(text)}`;
  // An empty line in the middle needs no mark.
  const isInner = (at: number): boolean => at > 0 && at < lines.length - 1;
  const body = lines.map((line, at) => (line !== "" ? `  ${escaped(line)}` : isInner(at) ? "" : "  \\"));
  return [`${name}:`, ...body].join("\n");
}

/** The file with other texts in some of its sections; everything else stays as it is. */
export function rewriteSections(source: string, changes: ReadonlyMap<Section, string>): string {
  const lines = source.split("\n");
  const starts = new Map([...changes].map(([section, text]) => [section.line - 1, { section, text }]));
  const written: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const change = starts.get(at);
    if (change === undefined) {
      written.push(lines[at] ?? "");
      continue;
    }
    written.push(writeSection(change.section.name, change.text));
    let end = at;
    for (let next = at + 1; next < lines.length; next++) {
      if (lines[next]?.startsWith("  ")) end = next;
      else if (lines[next] !== "") break;
    }
    at = end;
  }
  return written.join("\n");
}

function escaped(line: string): string {
  return line.startsWith("\\") ? `\\${line}` : line;
}

function unescaped(line: string): string {
  return line.startsWith("\\") ? line.slice(1) : line;
}

/** A run of code, from a section that begins one, with what belongs to it. */
export interface Check {
  readonly input: Section;
  /** The sections up to the next check. */
  readonly rest: readonly Section[];
}

/** The sections of a case before the first check, and its checks; one begins at every section with one of these names. */
export function checksOf(
  { sections }: TextCase,
  names: readonly string[],
): { readonly common: readonly Section[]; readonly checks: readonly Check[] } {
  const common: Section[] = [];
  const checks: { readonly input: Section; readonly rest: Section[] }[] = [];
  for (const section of sections) {
    if (names.includes(section.name)) checks.push({ input: section, rest: [] });
    else (checks.at(-1)?.rest ?? common).push(section);
  }
  return { common, checks };
}

/** The section of that name. Throws Error where there is none or more than one. */
export function sectionOf(sections: readonly Section[], name: string): Section {
  const found = optionalSection(sections, name);
  if (found === null) throw new Error(`line ${sections[0]?.line}: there is no section ${name}`);
  return found;
}

/** null where there is none. Throws Error where there is more than one. */
export function optionalSection(sections: readonly Section[], name: string): Section | null {
  const [first, second] = sections.filter((section) => section.name === name);
  if (second !== undefined) throw new Error(`line ${second.line}: another section ${name}`);
  return first ?? null;
}

/** The lines of a section's text. */
export function linesOf({ text }: Section): readonly string[] {
  return text.split("\n");
}

/** A file of cases that are being run. */
export interface OpenCases {
  readonly cases: readonly TextCase[];
  /** Holds what the code says against an expectation; `about` is told with a failure. With UPDATE=1 it takes its place. */
  readonly expect: (section: Section, actual: string, about?: string) => void;
  /** Throws Error with every expectation that was not met or never looked at. With UPDATE=1 it writes the file. */
  readonly finish: () => void;
}

export interface OpenOptions {
  /** false for who shares the file with another test, which decides what is expected. */
  readonly decides?: boolean;
  readonly update?: boolean;
}

/** Throws as {@link readTextCases} does, with the file's name in front. */
export function openTextCases(file: URL, kind: CaseKind, options: OpenOptions = {}): OpenCases {
  const { decides = true, update = process.env.UPDATE === "1" } = options;
  const name = file.pathname.split("/").at(-1);
  const source = readFileSync(file, "utf8");
  let cases: TextCase[];
  try {
    cases = readTextCases(source, kind, { update });
  } catch (error) {
    throw new Error(`${name}, ${error instanceof Error ? error.message : String(error)}`);
  }
  const failures: string[] = [];
  const changes = new Map<Section, string>();
  const seen = new Set<Section>();
  return {
    cases,
    expect(section, actual, about = "") {
      seen.add(section);
      if (section.text === actual && !section.isEmpty) return;
      if (update && (decides || section.isEmpty)) changes.set(section, actual);
      else failures.push(`${name}:${section.line} ${about}${difference(section.text, actual)}`);
    },
    finish() {
      for (const { sections } of cases) {
        for (const section of sections) {
          if (kind.expectations.includes(section.name) && !seen.has(section))
            failures.push(`${name}:${section.line} ${section.name} was not looked at`);
        }
      }
      if (failures.length > 0) throw new Error(failures.join("\n"));
      if (decides && changes.size > 0) writeFileSync(file, rewriteSections(source, changes));
    },
  };
}

/** Long texts are shown from the first line that differs. */
function difference(expected: string, actual: string): string {
  const wanted = expected.split("\n");
  const got = actual.split("\n");
  const first = wanted.findIndex((line, at) => line !== got[at]);
  const from = wanted.length + got.length > 2 * SHOWN ? (first < 0 ? wanted.length : first) : 0;
  const shown = (lines: readonly string[]): string =>
    [...lines.slice(from, from + SHOWN), ...(lines.length > from + SHOWN ? ["…"] : [])]
      .map((line) => `\n    ${line}`)
      .join("");
  const place = from === 0 ? "" : `, from line ${from + 1} of the text`;
  return `\n  expected${place}${shown(wanted)}\n  got${shown(got)}`;
}
