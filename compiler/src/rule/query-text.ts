// What every stage knows of a query's text: the language it is written in, and places in it.

/** A half-open range `[start, end)` of UTF-16 offsets into a query text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** `elastic` is Elasticsearch's EQL with the endpoint's extras, `endgame` is python-eql. */
export type Dialect = "elastic" | "endgame";
