// The functions of the language in Lua, which stand once in a package and are loaded in front of each predicate's file.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const LANGUAGE = fileURLToPath(import.meta.resolve("@kestrel/stdlib/language.lua"));

let text: string | null = null;

export function languageText(): string {
  text ??= readFileSync(LANGUAGE, "utf8");
  return text;
}
