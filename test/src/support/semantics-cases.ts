// Text cases about what queries mean: test/cases/semantics/*.txt -> events, and queries with what they give.
//
//   events:                                        the first event is number 1; none, one or more
//   query: any where process.pid != 2              a query over them
//   gives: 1                                       the numbers of the events it gives, in order
//   query: sequence [any where true] …
//   gives: [1 2 _] [2 3 _]                         or its sequences, `_` being the slot of a missing event
//   gives: error                                   or that it is refused
//   gives: nothing
//   expression: 7 / 2                              an expression without fields
//   gives: 3                                       and its value, as JSON; a double is written with a point or an exponent
//   query: any where true | count                  a query whose pipes count
//   gives: {"count":2,"key":"totals"}              and for each row its first event, as JSON

import { type CaseKind, checksOf, linesOf, type OpenCases, sectionOf } from "./text-cases.js";

export const SEMANTICS: CaseKind = { inputs: ["events", "query", "expression"], expectations: ["gives"] };

export interface SemanticsCase {
  readonly events: readonly string[];
  readonly checks: readonly SemanticsCheck[];
}

export interface SemanticsCheck {
  readonly kind: "query" | "expression";
  readonly text: string;
  /** Empty where nothing is found. */
  readonly expected: string;
  /** Holds an answer against what is expected; one that begins with `error` is an error, whatever it says. */
  readonly expect: (actual: string) => void;
}

export function semanticsCases({ cases, expect }: OpenCases): SemanticsCase[] {
  return cases.map((one) => {
    const { common, checks } = checksOf(one, ["query", "expression"]);
    return {
      events: common.flatMap(linesOf),
      checks: checks.map(({ input, rest }) => {
        const gives = sectionOf(rest, "gives");
        return {
          kind: input.name === "query" ? "query" : "expression",
          text: input.text,
          expected: gives.text === "nothing" ? "" : gives.text,
          expect(actual) {
            const said = actual.startsWith("error") ? "error" : actual || "nothing";
            expect(gives, said, `${input.text}${said === "error" ? `: ${actual}` : ""}`);
          },
        };
      }),
    };
  });
}
