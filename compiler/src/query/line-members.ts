// An event's line -> its members as they are written, and a line with some of them replaced.
//
// INVARIANT: what is not replaced keeps its text, so no digit of a number is lost.

import { type Node, type ParseError, parseTree } from "jsonc-parser";

export interface Member {
  readonly name: string;
  /** The JSON text of the value. */
  readonly value: string;
  /** The text of name and value, without white space around them. */
  readonly text: string;
}

/** The members of a JSON object in their order, repeated names included; none for a line that is not one. */
export function membersOf(line: string): readonly Member[] {
  const errors: ParseError[] = [];
  const object = parseTree(line, errors, { disallowComments: true });
  if (object?.type !== "object" || errors.length > 0) return [];
  const textOf = ({ offset, length }: Node): string => line.slice(offset, offset + length);
  return (object.children ?? []).flatMap(({ children: [key, value] = [] }) => {
    if (key === undefined || value === undefined) return [];
    return [{ name: key.value as string, value: textOf(value), text: `${textOf(key)}:${textOf(value)}` }];
  });
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
