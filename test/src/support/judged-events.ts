// The section `judged` of a text case: one event a line, `+` before those that the query gives and `-` before the others.

import { linesOf, type Section } from "./text-cases.js";

/** The events alone. Throws Error, with the line, for a line that is none. */
export function eventsOf(section: Section): string[] {
  return linesOf(section).map((line, at) => {
    if (!/^[+-] /.test(line)) throw new Error(`line ${section.line + at}: an event begins with + or -: ${line}`);
    return line.slice(2);
  });
}

/** The section's text when the query gives the events with these ordinals. */
export function judgedText(events: readonly string[], found: ReadonlySet<number>): string {
  return events.map((event, ordinal) => `${found.has(ordinal) ? "+" : "-"} ${event}`).join("\n");
}
