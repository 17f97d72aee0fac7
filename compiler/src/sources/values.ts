// Values as TOML, YAML and JSON give them, to plain data and to the words that name them in a message.

export type Table = Readonly<Record<string, unknown>>;

/** Tells the reader of a rule that `key` should have been `expected` and holds `found`. */
export type Report = (key: string, expected: string, found: unknown) => void;

export function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** Names a value in a message: `the number 3`, `a list`, `"text"`. */
export function describe(value: unknown): string {
  if (value === undefined) return "is missing";
  if (value === null) return "is null";
  if (Array.isArray(value)) return value.length === 0 ? "is an empty list" : "is a list";
  switch (typeof value) {
    case "string":
      return value === "" ? "is empty" : `is ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`;
    case "number":
    case "bigint":
      return `is the number ${value}`;
    case "boolean":
      return `is ${value}`;
    default:
      return value instanceof Date ? "is a date" : "is a table";
  }
}

/** The value as JSON can hold it: dates and numbers without a JSON form become text, undefined members go. */
export function plainValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainValue);
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (!isTable(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => [key, plainValue(member)]),
  );
}

/** A text, or `fallback` when the key is absent or null. */
export function readText(table: Table, key: string, fallback: string, report: Report): string {
  const value = table[key] ?? null;
  if (typeof value === "string") return value;
  if (value !== null) report(key, "a text", value);
  return fallback;
}

/** A list of texts; a single text is a list of one, and no value is an empty list. */
export function readTexts(table: Table, key: string, report: Report): readonly string[] {
  const value = table[key] ?? null;
  if (value === null) return [];
  if (typeof value === "string") return [value];
  if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return value;
  report(
    key,
    "a text or a list of texts",
    Array.isArray(value) ? value.find((entry) => typeof entry !== "string") : value,
  );
  return [];
}
