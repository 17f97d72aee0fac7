// The `tests` key of a rule to the tests that `eqlc test` runs.

import type { RuleTest } from "../rule/rule.js";
import type { Report, Table } from "./values.js";
import { isTable, plainValue, readText } from "./values.js";

/**
 * Reads a list of `{name, events, alerts}`, where `match: true` may stand for `alerts: 1` and `match: false` for `alerts: 0`.
 * A test without a name is called by its number.
 */
export function readTests(value: unknown, report: Report): readonly RuleTest[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    report("tests", "a list of tests", value);
    return [];
  }
  return value.flatMap((entry, index) => {
    const path = `tests[${index}]`;
    if (!isTable(entry)) {
      report(path, "a table with events and alerts", entry);
      return [];
    }
    const within: Report = (key, expected, found) => report(`${path}.${key}`, expected, found);
    const name = readText(entry, "name", `test ${index + 1}`, within);
    return [{ name, events: readEvents(entry.events, within), alerts: readAlerts(entry, within) }];
  });
}

function readEvents(value: unknown, report: Report): readonly unknown[] {
  if (!Array.isArray(value)) {
    report("events", "a list of events", value);
    return [];
  }
  for (const [index, event] of value.entries()) {
    if (!isTable(event)) report(`events[${index}]`, "an event, which is a table of fields", event);
  }
  return value.map(plainValue);
}

function readAlerts(test: Table, report: Report): number {
  const alerts = test.alerts ?? null;
  const match = test.match ?? null;
  if (match !== null && typeof match !== "boolean") report("match", "true or false", match);
  else if (match !== null && alerts !== null) report("match", "left out where alerts is given", match);
  else if (match !== null) return match ? 1 : 0;
  else if (typeof alerts === "number" && Number.isInteger(alerts) && alerts >= 0) return alerts;
  else report("alerts", "a count from 0 on (or match: true or false)", alerts ?? undefined);
  return 0;
}
