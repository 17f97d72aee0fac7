// A query with any pipes over a whole file, as `eqlc query` answers it, and as the reference does: rows in their order, each
// the ordinals of its events and its join key or, behind a pipe that counts, the object that it made.

import { analyseRules, type CompileOptions, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { runQuery } from "@kestrel/compiler/query/run-query";
import { interpret, readEvents } from "../reference/interpret.js";
import { identityOfKey, writtenRow } from "../support/detections.js";
import { ruleOf } from "../support/run-pack.js";
import { parseText, type Setting } from "./compare.js";

/** null when the query does not compile. */
export async function askWholeFile(
  query: string,
  lines: readonly string[],
  setting: Setting,
): Promise<readonly string[] | null> {
  const options: CompileOptions = { ...DEFAULT_OPTIONS, ...setting.compile, optimize: false };
  const [compiled] = analyseRules([ruleOf("query", query)], options).rules;
  if (compiled === undefined) return null;
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  const file = {
    async *read() {
      yield { bytes, file: "events", firstLine: 1, lineCount: null };
    },
  };
  const onBroken = (): never => {
    throw new Error("A generated event is broken");
  };
  const { matches } = await runQuery(compiled, file, { ...options, onBroken });
  return matches.map(({ key, events, isRecord }) =>
    isRecord
      ? canonical(Buffer.from(events[0]?.bytes ?? []).toString())
      : writtenRow(events, identityOfKey(key, setting.dialect)),
  );
}

export function askReference(query: string, lines: readonly string[], setting: Setting): readonly string[] {
  // All events are there before a sample is chosen.
  const { sampleWindowNs: _, ...options } = setting.reference;
  const result = interpret(parseText(query, setting.dialect), readEvents(lines, options), options);
  const rows =
    result.kind === "events"
      ? result.events.map((event) => String(event.ordinal))
      : result.sequences.map(({ events, identity }) => writtenRow(events, identity));
  // A pipe that counts leaves no events, or adds to those that it leaves.
  return rows.length > 0 ? rows : (result.counted ?? []).map((counted) => canonical(counted ?? "null"));
}

/** One text for objects that differ only in the order of their keys. */
function canonical(text: string): string {
  return JSON.stringify(JSON.parse(text), (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
