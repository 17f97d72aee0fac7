// The rule of examples/lua-rule in AssemblyScript: an encoded command that downloads something or opens a shell. The base64 of a command
// line is decoded, and what it holds is looked at again as a command line, for there are often two layers.

import { Captures, event, Field, regexBytes } from "kestrel";

// Lines of resources/regexes.txt.
const IS_ENCODED: i32 = 0;
const IS_HARMFUL: i32 = 1;

// A shorter run of these characters is a word.
const SHORTEST: i32 = 16;
const LONGEST: i32 = 8192;
const MOST_LAYERS: i32 = 3;

const MOST_CAPTURED: i32 = 200;

/** The six bits that a character of base64 stands for; -1 for any other. */
function bitsOf(byte: i32): i32 {
  if (byte >= 65 && byte <= 90) return byte - 65;
  if (byte >= 97 && byte <= 122) return byte - 71;
  if (byte >= 48 && byte <= 57) return byte + 4;
  if (byte == 43) return 62;
  return byte == 47 ? 63 : -1;
}

/** The bytes that a run of base64 stands for. PowerShell's are UTF-16, little-endian: their zero bytes are left out. */
function decode(text: Uint8Array, start: i32, end: i32): Uint8Array {
  const bytes = new Uint8Array(((end - start) * 3) / 4 + 1);
  let length = 0;
  let bits = 0;
  let held = 0;
  for (let i = start; i < end; i++) {
    bits = ((bits << 6) | bitsOf(text[i])) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    const byte = (bits >> held) & 0xff;
    if (byte != 0) bytes[length++] = <u8>byte;
  }
  return bytes.subarray(0, length);
}

/** The command line, or the arguments with a space between them. */
function commandLine(): Uint8Array {
  const line = event.bytesAt(Field.process_command_line, 0);
  if (line) return line;
  let words = new Uint8Array(0);
  const count = event.count(Field.process_args);
  for (let i = 0; i < count; i++) {
    const word = event.bytesAt(Field.process_args, i);
    if (word) words = i == 0 ? word : joined(words, word);
  }
  return words;
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  const both = new Uint8Array(left.length + 1 + right.length);
  both.set(left);
  both[left.length] = 32;
  both.set(right, left.length + 1);
  return both;
}

/** In how many layers the harmful command was that `hidden` found last. */
let layers: i32 = 0;

/** The harmful command that a command line hides; null when it hides none. */
function hidden(line: Uint8Array, layer: i32): Uint8Array | null {
  if (layer > MOST_LAYERS || !regexBytes(IS_ENCODED, line)) return null;
  const length = line.length < LONGEST ? line.length : LONGEST;
  let start = -1;
  for (let i = 0; i <= length; i++) {
    if (i < length && bitsOf(line[i]) >= 0) {
      if (start < 0) start = i;
      continue;
    }
    if (start >= 0 && i - start >= SHORTEST) {
      const command = decode(line, start, i);
      layers = layer;
      if (regexBytes(IS_HARMFUL, command)) return command;
      const inner = hidden(command, layer + 1);
      if (inner != null) return inner;
    }
    start = -1;
  }
  return null;
}

export function pred_eval(handle: i32): i32 {
  return hidden(commandLine(), 1) != null ? 1 : 0;
}

export function pred_capture(handle: i32): i32 {
  const command = hidden(commandLine(), 1);
  if (command == null) return 0;
  return new Captures().addBytes("command", command.subarray(0, MOST_CAPTURED)).add("layers", layers.toString()).end();
}
