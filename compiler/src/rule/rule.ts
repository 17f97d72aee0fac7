// What a frontend makes of a rule file: one Rule for each rule found, its query still text.

import type { Dialect } from "./query-text.js";

export type Severity = "informational" | "low" | "medium" | "high" | "critical";

/** ATT&CK mapping in the shape of Elastic's `threat` key. */
export interface Threat {
  readonly framework: string;
  readonly tactic?: { readonly id: string; readonly name: string; readonly reference?: string };
  readonly technique?: readonly {
    readonly id: string;
    readonly name: string;
    readonly reference?: string;
    readonly subtechnique?: readonly { readonly id: string; readonly name: string; readonly reference?: string }[];
  }[];
}

/** A test that stands in the rule file: events, and what the rule must make of them. */
export interface RuleTest {
  readonly name: string;
  readonly events: readonly unknown[];
  /** How many alerts the rule gives on the events. */
  readonly alerts: number;
}

/**
 * The event fields that a rule asks for in place of the package's, as Elastic's keys of these names do; null where it names
 * none.
 */
export interface EventFields {
  /** `event_category_override`: what `process where` looks at. */
  readonly category: string | null;
  /** `timestamp_field` and `tiebreaker_field`: what puts the events of a sequence in order. */
  readonly timestamp: string | null;
  readonly tiebreaker: string | null;
}

export const NO_EVENT_FIELDS: EventFields = { category: null, timestamp: null, tiebreaker: null };

export const NO_USES: ReadonlyMap<string, string> = new Map();

/** Where a query that stands in its file word for word begins. */
export interface QueryOffset {
  readonly line: number;
  readonly column: number;
  /** Units by which every further line is indented in the file but not in the query (YAML block text); 0 when absent. */
  readonly indent?: number;
}

/** What a hand-written rule says of itself in its manifest. */
export interface Capabilities {
  /** Whether one event alone decides, so that an action could be held back until it did. */
  readonly supportsInline: boolean;
  readonly requiresAlert: boolean;
  readonly requiresBlock: boolean;
  readonly maxSpanMs: number | null;
  /** Ids of ATT&CK techniques. */
  readonly mitreAttack: readonly string[];
}

export interface Rule {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly author: readonly string[];
  readonly severity: Severity;
  readonly riskScore: number | null;
  readonly tags: readonly string[];
  readonly references: readonly string[];
  readonly threat: readonly Threat[];
  readonly tests: readonly RuleTest[];
  /** Codes of warnings that the rule asks not to hear. */
  readonly suppress: readonly string[];
  /** null: the flag decides. */
  readonly dialect: Dialect | null;
  readonly eventFields: EventFields;
  /** Whether the rule says where its events come from, as Elastic's `index` and `integration` do. */
  readonly namesSource: boolean;
  /** Only of rules written by hand; of the others they are derived from the query. */
  readonly capabilities?: Capabilities;
  readonly query: string;
  /** Names that the query calls as functions without arguments, and the ids of the hand-written packages that they stand for. */
  readonly uses: ReadonlyMap<string, string>;
  /** Keys that Kestrel gives no meaning, kept as they were. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly source: {
    /** Path as walked from the user's argument. */
    readonly file: string;
    /** Lines of the file before the query's first line, and units before it on that line; null when not verbatim. */
    readonly queryOffset: QueryOffset | null;
  };
}

/** A rule with nothing but a query, which is the whole of its file: version 1.0.0, severity medium. */
export function bareRule(id: string, query: string, file: string): Rule {
  return {
    id,
    name: id,
    description: "",
    version: "1.0.0",
    author: [],
    severity: "medium",
    riskScore: null,
    tags: [],
    references: [],
    threat: [],
    tests: [],
    suppress: [],
    dialect: null,
    eventFields: NO_EVENT_FIELDS,
    namesSource: false,
    query,
    uses: NO_USES,
    metadata: {},
    source: { file, queryOffset: { line: 0, column: 0 } },
  };
}
