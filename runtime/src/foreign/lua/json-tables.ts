// JSON text of an event → values of Lua, as stdlib/lua/language.lua has them: strings, booleans, a mark for null, and tables for the
// rest.
//
//   { number = "1.50" }   { array = { … }, size = n }   { keys = { … }, values = { … }, size = n }
//
// The decoder has checked brackets, strings and depth. What is broken in another way ends the array or object that it stands in,
// or is null.

import { BOOLEAN, type Fengari, INTEGER, type LuaState, type LuaTable, type LuaValue, TABLE, TEXT } from "./fengari.js";
import { setField } from "./library.js";
import { blessText } from "./lua-text.js";

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [BRACKET_OPEN, BRACKET_CLOSE, BRACE_OPEN, BRACE_CLOSE] = [0x5b, 0x5d, 0x7b, 0x7d];
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

export interface JsonTables {
  /** The value that the text is. */
  read(text: Uint8Array): LuaValue;
}

export function createJsonTables(fengari: Fengari, L: LuaState, nothing: LuaTable): JsonTables {
  const { ltable, lobject } = fengari;
  const { TValue } = lobject;
  const encoder = new TextEncoder();
  let bytes = new Uint8Array(0);
  let at = 0;

  const skipSpace = (): void => {
    while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++;
  };

  /** The bytes of the string whose opening quote stands here; null when it has no end or an escape that is none. */
  function readText(): Uint8Array | null {
    const start = ++at;
    let plain = true;
    while (at < bytes.length && bytes[at] !== QUOTE) {
      const byte = bytes[at] ?? 0;
      if (byte >= 0x80 || byte === BACKSLASH) plain = false;
      at += byte === BACKSLASH ? 2 : 1;
    }
    if (at >= bytes.length) return null;
    const body = bytes.subarray(start, at++);
    if (plain) return body.slice();
    const text = Buffer.from(body).toString("utf8");
    if (!text.includes("\\")) return encoder.encode(text);
    try {
      // Half of a surrogate pair becomes U+FFFD when it is encoded.
      return encoder.encode(JSON.parse(`"${text}"`) as string);
    } catch {
      return null;
    }
  }

  const text = (own: Uint8Array): LuaValue => new TValue(TEXT, blessText(own));

  const sized = (table: LuaTable, size: number): LuaValue => {
    setField(fengari, L, table, "size", INTEGER, size);
    return new TValue(TABLE, table);
  };

  function readArray(): LuaValue {
    const [table, items] = [ltable.luaH_new(L), ltable.luaH_new(L)];
    setField(fengari, L, table, "array", TABLE, items);
    let size = 0;
    at++;
    skipSpace();
    while (at < bytes.length && bytes[at] !== BRACKET_CLOSE) {
      ltable.luaH_setint(items, ++size, readValue());
      skipSpace();
      if (bytes[at] !== COMMA) break;
      at++;
      skipSpace();
    }
    at++;
    return sized(table, size);
  }

  function readObject(): LuaValue {
    const [table, keys, values] = [ltable.luaH_new(L), ltable.luaH_new(L), ltable.luaH_new(L)];
    setField(fengari, L, table, "keys", TABLE, keys);
    setField(fengari, L, table, "values", TABLE, values);
    let size = 0;
    at++;
    skipSpace();
    while (bytes[at] === QUOTE) {
      const key = readText();
      if (key === null) break;
      skipSpace();
      if (bytes[at] !== COLON) break;
      at++;
      skipSpace();
      size++;
      ltable.luaH_setint(keys, size, text(key));
      ltable.luaH_setint(values, size, readValue());
      skipSpace();
      if (bytes[at] !== COMMA) break;
      at++;
      skipSpace();
    }
    at++;
    return sized(table, size);
  }

  function readScalar(): LuaValue {
    const start = at;
    while (at < bytes.length && !isEnd(bytes[at] ?? 0)) at++;
    const word = Buffer.from(bytes.subarray(start, at)).toString("latin1");
    if (word === "true" || word === "false") return new TValue(BOOLEAN, word === "true");
    if (!NUMBER.test(word)) return new TValue(TABLE, nothing);
    const table = ltable.luaH_new(L);
    setField(fengari, L, table, "number", TEXT, blessText(bytes.slice(start, at)));
    return new TValue(TABLE, table);
  }

  function readValue(): LuaValue {
    switch (bytes[at]) {
      case QUOTE: {
        const own = readText();
        return own === null ? new TValue(TABLE, nothing) : text(own);
      }
      case BRACKET_OPEN:
        return readArray();
      case BRACE_OPEN:
        return readObject();
      default:
        return readScalar();
    }
  }

  return {
    read(given) {
      bytes = new Uint8Array(given);
      at = 0;
      skipSpace();
      return readValue();
    },
  };
}

function isEnd(byte: number): boolean {
  return byte === COMMA || byte === BRACKET_CLOSE || byte === BRACE_CLOSE || byte <= 0x20;
}
