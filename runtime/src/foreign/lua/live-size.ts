// A state of Lua → an estimate of the bytes that it holds: whatever can be reached from its registry, its stack and the
// metatables of types. What a native function has in hand is on the stack as well.

import {
  LUA_FUNCTION,
  type LuaClosure,
  type LuaProto,
  type LuaState,
  type LuaTable,
  type LuaValue,
  NATIVE_CLOSURE,
  TABLE,
  TEXT,
  WIDE,
} from "./fengari.js";
import { TString } from "./lua-text.js";
import {
  CLOSURE_BYTES,
  ENTRY_BYTES,
  INSTRUCTION_BYTES,
  PROTO_BYTES,
  SLOT_BYTES,
  TABLE_BYTES,
  TEXT_BYTES,
} from "./meter.js";

export function liveSize(L: LuaState): number {
  const seen = new Set<unknown>();
  const waiting: (LuaTable | LuaClosure | LuaProto)[] = [];
  let bytes = 0;

  const visitText = (text: TString): void => {
    if (seen.has(text)) return;
    seen.add(text);
    bytes += TEXT_BYTES + text.realstring.length + (text.key === null ? 0 : text.key.length);
  };
  const wait = (thing: LuaTable | LuaClosure | LuaProto): void => {
    if (seen.has(thing)) return;
    seen.add(thing);
    waiting.push(thing);
  };
  // While a script is read its functions have places that are still empty.
  const visit = (value: LuaValue | undefined): void => {
    switch (value?.type) {
      case TEXT:
        visitText(value.value as TString);
        break;
      case TABLE:
        wait(value.value as LuaTable);
        break;
      case LUA_FUNCTION:
        wait(value.value as LuaClosure);
        break;
      case WIDE:
        bytes += SLOT_BYTES;
        break;
      case NATIVE_CLOSURE:
        for (const captured of (value.value as { readonly upvalue: readonly LuaValue[] }).upvalue) visit(captured);
    }
  };

  visit(L.l_G.l_registry);
  for (const metatable of L.l_G.mt) if (metatable) wait(metatable);
  for (let i = 0; i < L.top; i++) {
    visit(L.stack[i]);
    bytes += SLOT_BYTES;
  }
  for (let thing = waiting.pop(); thing !== undefined; thing = waiting.pop()) {
    if ("strong" in thing) {
      bytes += TABLE_BYTES + (thing.strong.size + thing.dead_strong.size) * ENTRY_BYTES;
      for (const entry of thing.strong.values()) {
        visit(entry.key);
        visit(entry.value);
      }
      // A key that was removed stays until another comes, in its spelling.
      for (const key of thing.dead_strong.keys()) if (typeof key === "string") bytes += key.length;
      if (thing.metatable !== null) wait(thing.metatable);
    } else if ("upvals" in thing) {
      bytes += CLOSURE_BYTES + thing.upvals.length * SLOT_BYTES;
      if (thing.p !== null) wait(thing.p);
      for (const captured of thing.upvals) visit(captured);
    } else {
      bytes += PROTO_BYTES + thing.code.length * INSTRUCTION_BYTES;
      for (const constant of thing.k) visit(constant);
      for (const inner of thing.p) if (inner !== null) wait(inner);
      if (thing.cache !== null) wait(thing.cache);
      if (thing.source instanceof TString) visitText(thing.source);
    }
  }
  return bytes;
}
