// A value that stands somewhere in JSON -> the same value with a type, or what it should have been and is not.

export type JsonObject = Readonly<Record<string, unknown>>;
/** Takes what is wrong, with its place: `rules[0].tags[1]`. */
export type Fail = (path: string, message: string) => void;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function nameOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

export function objectAt(value: unknown, path: string, fail: Fail): JsonObject | null {
  if (isObject(value)) return value;
  fail(path, `expected an object, found ${nameOf(value)}`);
  return null;
}

export function arrayAt(value: unknown, path: string, fail: Fail): readonly unknown[] {
  if (Array.isArray(value)) return value;
  fail(path, `expected an array, found ${nameOf(value)}`);
  return [];
}

export function texts(object: JsonObject, path: string, names: readonly string[], fail: Fail): void {
  for (const name of names) {
    const value = object[name];
    if (typeof value !== "string") fail(`${path}.${name}`, `expected a string, found ${nameOf(value)}`);
  }
}

export function textList(value: unknown, path: string, fail: Fail): void {
  // A large manifest has tens of thousands of lists, of which none is wrong.
  if (Array.isArray(value) && value.every(isText)) return;
  for (const [index, item] of arrayAt(value, path, fail).entries()) {
    if (typeof item !== "string") fail(`${path}[${index}]`, `expected a string, found ${nameOf(item)}`);
  }
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

export function boolean(value: unknown, path: string, fail: Fail): void {
  if (typeof value !== "boolean") fail(path, `expected true or false, found ${nameOf(value)}`);
}

export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

export function count(value: unknown, path: string, fail: Fail): value is number {
  if (isCount(value)) return true;
  fail(path, `expected a whole number from 0, found ${typeof value === "number" ? value : nameOf(value)}`);
  return false;
}

export function oneOf<T extends string>(value: unknown, all: readonly T[], path: string, fail: Fail): T | null {
  const found = all.find((item) => item === value);
  if (found !== undefined) return found;
  const text = typeof value === "string" ? JSON.stringify(value) : nameOf(value);
  fail(path, `expected one of ${all.join(", ")}, found ${text}`);
  return null;
}
