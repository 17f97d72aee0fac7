// The lists of packages that a machine uses → the same for source packages: one-line lists and deb822 files.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A file for a folder such as /etc/apt/sources.list.d. */
export interface SourceList {
  readonly file: string;
  readonly text: string;
}

/** `deb …` lines of a list as `deb-src …` lines; lines that are comments or source packages already are left out. */
export function oneLineAsSource(text: string): string {
  return [...text.matchAll(/^[ \t]*deb[ \t]+(.+)$/gm)].map(([, rest]) => `deb-src ${rest}\n`).join("");
}

/** Stanzas of a deb822 file that name binary packages, as stanzas of source packages; those that are switched off are left out. */
export function deb822AsSource(text: string): string {
  const stanzas = text
    .replace(/^#.*\n?/gm, "")
    .split(/\n(?:[ \t]*\n)+/)
    .filter((stanza) => /^Types:.*\bdeb\b(?!-)/im.test(stanza) && !/^Enabled:\s*(?:no|false|off|0)\s*$/im.test(stanza));
  return stanzas.map((stanza) => `${stanza.trim().replace(/^Types:.*$/im, "Types: deb-src")}\n`).join("\n");
}

/**
 * What a machine whose lists stand in `folder` would have to have for source packages.
 */
export function asSourceEntries(folder: string): SourceList[] {
  const lists: SourceList[] = [];
  const add = (file: string, text: string): void => {
    if (text !== "") lists.push({ file, text });
  };
  const main = join(folder, "sources.list");
  if (existsSync(main)) add("main.list", oneLineAsSource(readFileSync(main, "utf8")));
  const parts = join(folder, "sources.list.d");
  for (const name of existsSync(parts) ? readdirSync(parts).sort() : []) {
    const text = (): string => readFileSync(join(parts, name), "utf8");
    if (name.endsWith(".list")) add(name, oneLineAsSource(text()));
    else if (name.endsWith(".sources")) add(name, deb822AsSource(text()));
  }
  return lists;
}
