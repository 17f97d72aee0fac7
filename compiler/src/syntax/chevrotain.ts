// Chevrotain from the one file that its package ships beside some hundred modules. The package's entry loads those one by one,
// which took more than a third of the time of an `eqlc check` of one rule: 1.2 s with it, 0.7 s with this file.
// The version is pinned, so the file is there or nothing works at all.

import type * as Chevrotain from "chevrotain";

const bundle = new URL("../chevrotain.mjs", import.meta.resolve("chevrotain"));

export const { createToken, EmbeddedActionsParser, EOF, Lexer } = (await import(bundle.href)) as typeof Chevrotain;
export type Lexer = Chevrotain.Lexer;
