// An event's line -> its members as they are written, and a line with some of them replaced.
//
// INVARIANT: what is not replaced keeps its text, so no digit of a number is lost.

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^"{}[\],:]+/gs;

export interface Member {
  readonly name: string;
  /** The JSON text of the value. */
  readonly value: string;
  /** The text of name and value, without white space around them. */
  readonly text: string;
}

/** The members of a JSON object in their order, repeated names included; none for a line that is not one. */
export function membersOf(line: string): readonly Member[] {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return [];
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  const members: Member[] = [];
  let depth = 0;
  let name = "";
  let text = "";
  let colon = -1;
  const end = (): void => {
    if (colon < 0) return;
    const value = text.slice(colon + 1).trim();
    members.push({ name, value, text: `${text.slice(0, colon).trim()}:${value}` });
    text = "";
    colon = -1;
  };
  for (const [token] of line.matchAll(TOKEN)) {
    if (token === "}" || token === "]") depth--;
    if (depth === 0 || (depth === 1 && token === ",")) end();
    else {
      if (depth === 1 && colon < 0) {
        if (token === ":") colon = text.length;
        else if (token.startsWith('"')) name = JSON.parse(token) as string;
      }
      text += token;
    }
    if (token === "{" || token === "[") depth++;
  }
  return members;
}

/** The value of the first member of this name as JSON text; null when there is none. */
export function memberValue(members: readonly Member[], name: string): string | null {
  return members.find((member) => member.name === name)?.value ?? null;
}

/** JSON of the members with those of `added` in the place of the first of their name, or else at the end. */
export function withMembers(members: readonly Member[], added: ReadonlyMap<string, string>): string {
  const left = new Map(added);
  const texts: string[] = [];
  for (const { name, text } of members) {
    const value = left.get(name);
    if (value !== undefined) texts.push(`${JSON.stringify(name)}:${value}`);
    else if (!added.has(name)) texts.push(text);
    left.delete(name);
  }
  for (const [name, value] of left) texts.push(`${JSON.stringify(name)}:${value}`);
  return `{${texts.join(",")}}`;
}
