// A Lua source -> the members of the table `kestrel` that it names and no host has: functions, and fields in `kestrel.fields`.
//
// Only tokens are looked at. So nothing is said of what a source makes of the table by other ways: `kestrel[name]`, `local k = kestrel`. And nothing is
// said at all where `kestrel` may be something else, because it stands alone in a place that may define it. What a script asks for may be there in
// a later host, and then it may test for it, so this is a warning and no error.

import { HOST_FUNCTIONS, LUA_EXTRAS } from "@kestrel/stdlib/host-api";
import { editDistance, lookup, suggest } from "@kestrel/stdlib/schema/schema";
import type { Field, Schema } from "@kestrel/stdlib/schema/types";
import { type LuaToken, tokensOf } from "./lua-fields.js";

export interface UnknownMember {
  readonly message: string;
  readonly help?: string;
  /** Offsets in UTF-16 units. */
  readonly span: { readonly start: number; readonly end: number };
}

interface FieldToken extends LuaToken {
  readonly path: string;
}

const TABLE = "kestrel";
const FIELDS = "fields";
const MEMBERS: ReadonlySet<string> = new Set([...HOST_FUNCTIONS.map(({ name }) => name), ...LUA_EXTRAS, FIELDS]);

/** `listed` are the fields whose ids the script is given by name; `isNamed` when the manifest says them. */
export function unknownMembers(
  source: string,
  listed: readonly Field[],
  isNamed: boolean,
  schema: Schema,
): readonly UnknownMember[] {
  const tokens = [...tokensOf(source)];
  const names = new Set(listed.map(({ name }) => name));
  const defined = new Set<string>();
  const members: LuaToken[] = [];
  const fields: FieldToken[] = [];
  for (const [at, { kind, value }] of tokens.entries()) {
    if (kind !== "word" || value !== TABLE || isSign(tokens[at - 1], ".", ":")) continue;
    const member = memberAt(tokens, at + 1);
    if (member === null) {
      if (isSign(tokens[at + 1], "[") || isRead(tokens, at)) continue;
      return [];
    }
    const { token, next } = member;
    if (isAssigned(tokens, next) || tokens[at - 1]?.value === "function") defined.add(token.value);
    members.push(token);
    const field = token.value === FIELDS ? memberAt(tokens, next) : null;
    if (field !== null && !isAssigned(tokens, field.next)) fields.push({ ...field.token, path: pathAt(tokens, field) });
  }
  return [
    ...members.filter(({ value }) => !MEMBERS.has(value) && !defined.has(value)).map(memberProblem),
    ...(defined.has(FIELDS) ? [] : fields.filter(({ value }) => !names.has(value))).map((token) =>
      fieldProblem(token, isNamed, schema),
    ),
  ].sort((a, b) => a.span.start - b.span.start);
}

/** `.name` or `["name"]` at a place, and where it ends; null for anything else. */
function memberAt(tokens: readonly LuaToken[], at: number): { readonly token: LuaToken; readonly next: number } | null {
  const [first, token, last] = tokens.slice(at, at + 3);
  if (token === undefined) return null;
  if (isSign(first, ".") && token.kind === "word") return { token, next: at + 2 };
  return isSign(first, "[") && token.kind === "text" && isSign(last, "]") ? { token, next: at + 3 } : null;
}

/** A field that was written as names, `process.name`, with all that stand there. */
function pathAt(
  tokens: readonly LuaToken[],
  { token, next }: { readonly token: LuaToken; readonly next: number },
): string {
  let path = token.value;
  for (let at = next; token.kind === "word" && isSign(tokens[at], "."); at += 2) path += `.${tokens[at + 1]?.value}`;
  return path;
}

/** Whether the table itself is what is assigned to something, which does not change what its name means. */
function isRead(tokens: readonly LuaToken[], at: number): boolean {
  return isSign(tokens[at - 1], "=") && !isSign(tokens[at + 1], "=", ",");
}

function isAssigned(tokens: readonly LuaToken[], at: number): boolean {
  return isSign(tokens[at], "=") && !isSign(tokens[at + 1], "=");
}

function isSign(token: LuaToken | undefined, ...signs: readonly string[]): boolean {
  return token?.kind === "other" && signs.includes(token.value);
}

function memberProblem({ value, start, end }: LuaToken): UnknownMember {
  const near = [...MEMBERS].map((name) => ({ name, distance: editDistance(value, name, 3) }));
  const [nearest] = near.sort((a, b) => a.distance - b.distance);
  const help = nearest !== undefined && nearest.distance <= 3 ? { help: `did you mean \`${nearest.name}\`?` } : {};
  return { message: `the host offers no \`${TABLE}.${value}\``, ...help, span: { start, end } };
}

function fieldProblem({ kind, value, path, start, end }: FieldToken, isNamed: boolean, schema: Schema): UnknownMember {
  const span = { start, end };
  const field = lookup(schema, value);
  if (field !== null && field.id > 0 && isNamed)
    return { message: `\`${value}\` is not among the \`fields\` of the manifest`, span };
  const isUnlisted = field !== null && field.id <= 0;
  if (isUnlisted) return { message: `\`${value}\` is no listed field, so it has no id to be read by`, span };
  // Only what is written as a text is taken for a field's name (lua-fields.ts).
  if (kind === "word" && lookup(schema, path) !== null)
    return { message: `unknown field \`${value}\``, help: `write \`${TABLE}.${FIELDS}["${path}"]\``, span };
  const [near] = suggest(schema, value, 1);
  return {
    message: `unknown field \`${value}\``,
    ...(near === undefined ? {} : { help: `did you mean \`${near}\`?` }),
    span,
  };
}
