// One data type for everything eqlc has to say about a rule: the terminal, JSON and later outputs are views of it.

import type { Span } from "../rule/query-text.js";

export type Severity = "error" | "warning" | "note";

/** Where a diagnostic points: a file, and when known a range of its text (UTF-16 offsets into `text`). */
export interface Place {
  /** As the user wrote it, or the path found below it. */
  readonly file: string;
  /** The rule's name or id, when the file holds several. */
  readonly rule?: string;
  /** The text that `span` counts in (the query, or the whole file for a file that could not be read as a rule). */
  readonly text?: string;
  readonly span?: Span;
  /** How many lines of the file stand before `text`; absent when `text` is not a verbatim part of the file. */
  readonly lineOffset?: number;
  /** How many UTF-16 units stand before `text` on the line where it starts; 0 when absent. */
  readonly columnOffset?: number;
  /** How many UTF-16 units stand in the file before each further line of `text`; 0 when absent. */
  readonly lineIndent?: number;
}

/** A mechanical edit of the same text that would mend the problem. */
export interface Fix {
  readonly title: string;
  readonly span: Span;
  readonly replacement: string;
}

/** A further range of the same text, with what it has to do with the problem. */
export interface Label {
  readonly span: Span;
  readonly text: string;
}

export interface Diagnostic {
  /** Stable, such as `E0101`; every code stands in `codes.ts`. */
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly place: Place;
  /** One sentence on what to do about it. */
  readonly help?: string;
  readonly fix?: Fix;
  readonly labels?: readonly Label[];
}

/** What a stage that only sees the query text reports: the caller adds the file. */
export interface Problem {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly span: Span;
  readonly help?: string;
  readonly fix?: Fix;
  readonly labels?: readonly Label[];
}
