// The `threat` key of a rule, in Elastic's shape, to the rule's ATT&CK mapping.

import type { Threat } from "../rule/rule.js";
import type { Report, Table } from "./values.js";
import { isTable, readText } from "./values.js";

type Tactic = NonNullable<Threat["tactic"]>;
type Technique = NonNullable<Threat["technique"]>[number];

/** Reads the list; every value of a wrong kind is reported with its path, such as `threat[0].tactic.id`. */
export function readThreat(value: unknown, report: Report): readonly Threat[] {
  return readTables(value ?? [], "threat", report).map((table, index) => {
    const path = `threat[${index}]`;
    const tactic = table.tactic ?? null;
    const technique = table.technique ?? null;
    if (tactic !== null && !isTable(tactic)) report(`${path}.tactic`, "a table with id and name", tactic);
    return {
      framework: readText(table, "framework", "MITRE ATT&CK", nested(report, path)),
      ...(isTable(tactic) ? { tactic: readEntry(tactic, `${path}.tactic`, report) } : {}),
      ...(technique === null ? {} : { technique: readTechniques(technique, `${path}.technique`, report) }),
    };
  });
}

function readTechniques(value: unknown, path: string, report: Report): readonly Technique[] {
  return readTables(value, path, report).map((table, index) => {
    const here = `${path}[${index}]`;
    const sub = table.subtechnique ?? null;
    if (sub === null) return readEntry(table, here, report);
    const below = `${here}.subtechnique`;
    const subtechnique = readTables(sub, below, report).map((entry, at) => readEntry(entry, `${below}[${at}]`, report));
    return { ...readEntry(table, here, report), subtechnique };
  });
}

function readEntry(table: Table, path: string, report: Report): Tactic {
  const reference = table.reference ?? null;
  const id = table.id;
  const name = table.name;
  if (typeof id !== "string") report(`${path}.id`, "a text", id);
  if (typeof name !== "string") report(`${path}.name`, "a text", name);
  if (reference !== null && typeof reference !== "string") report(`${path}.reference`, "a text", reference);
  return {
    id: typeof id === "string" ? id : "",
    name: typeof name === "string" ? name : "",
    ...(typeof reference === "string" ? { reference } : {}),
  };
}

function readTables(value: unknown, path: string, report: Report): readonly Table[] {
  if (!Array.isArray(value)) {
    report(path, "a list of tables", value);
    return [];
  }
  return value.filter((entry, index): entry is Table => {
    if (isTable(entry)) return true;
    report(`${path}[${index}]`, "a table", entry);
    return false;
  });
}

function nested(report: Report, path: string): Report {
  return (key, expected, found) => report(`${path}.${key}`, expected, found);
}
