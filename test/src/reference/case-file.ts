// A text file of cases -> data. A section is a title, the schema's additions, events, and queries with what they give:
//
//   # Missing values
//   {"process.pid": 1}                    an event; the first of a section is number 1
//   ? any where process.pid != 2          a query; lines that start with two spaces continue it
//   = 1                                   the numbers of the events it gives, in order
//   ? sequence [any where true] …
//   = [1 2 _] [2 3 _]                     or its sequences, `_` being the slot of a missing event
//   ? any where process.name regex "("
//   = error                               or that it is refused
//   $ 7 / 2                               an expression without fields
//   = 3                                   and its value, as JSON; a double is written with a point or an exponent
//   ? any where true | count              a query whose pipes count
//   = {"count":2,"key":"totals"}          and for each row its first event, as JSON
//
// Empty lines and lines that start with `//` say nothing.

export interface Case {
  readonly kind: "query" | "expression";
  readonly text: string;
  readonly expected: string;
  /** Of the line that `text` starts on, from 1. */
  readonly line: number;
}

export interface Section {
  readonly title: string;
  readonly events: readonly string[];
  readonly cases: readonly Case[];
}

/** Throws, with the line, on a line that belongs to nothing. */
export function readCaseFile(source: string): Section[] {
  const sections: { title: string; events: string[]; cases: Case[] }[] = [];
  let pending: { kind: Case["kind"]; text: string; line: number } | null = null;
  for (const [i, line] of source.split("\n").entries()) {
    const section = sections.at(-1);
    if (line.trim() === "" || line.startsWith("//")) continue;
    if (line.startsWith("# ")) sections.push({ title: line.slice(2), events: [], cases: [] });
    else if (section === undefined) throw new Error(`Line ${i + 1} stands before the first title`);
    else if (line.startsWith("{")) section.events.push(line);
    else if (line.startsWith("? ")) pending = { kind: "query", text: line.slice(2), line: i + 1 };
    else if (line.startsWith("$ ")) pending = { kind: "expression", text: line.slice(2), line: i + 1 };
    else if (line.startsWith("  ") && pending !== null) pending.text += `\n${line}`;
    else if (line.startsWith("=") && pending !== null) {
      section.cases.push({ ...pending, expected: line.slice(1).trim() });
      pending = null;
    } else throw new Error(`Line ${i + 1} belongs to nothing`);
  }
  return sections;
}
