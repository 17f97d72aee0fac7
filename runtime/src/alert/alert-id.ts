// The rule, the key and the events of a match -> the id of its alert: the beginning of a SHA-256.
//
// Each part is told from the next by its length, so no two matches are the same sequence of bytes. The bytes are put together in one place
// and digested in one call: an object for each digest takes longer than the digest of a short event.

import crypto from "node:crypto";

/** Hexadecimal digits of an alert's id. */
const ID_DIGITS = 32;
/** Bytes of UTF-8 that one unit of a text can become. */
const MOST_UNIT_BYTES = 3;

let gathered = Buffer.allocUnsafeSlow(1 << 14);
let used = 0;

/**
 * The id of an alert; `identities` are the bytes that tell its events from others (event/json-reading.ts), null for a missing event.
 *
 * An event is known by its content. Its `event.id` is part of that and no more: some shippers give one id to several events of a
 * connection, and the alerts of two hosts that count from 1 would be taken for one.
 */
export function alertId(rule: string, key: string, identities: readonly (Uint8Array | null)[]): string {
  used = 0;
  addText(`${rule.length} ${rule} ${key.length} ${key}`);
  for (const identity of identities) {
    if (identity === null) addText(" -");
    else {
      addText(` ${identity.length} `);
      addBytes(identity);
    }
  }
  return sha256(gathered.subarray(0, used)).slice(0, ID_DIGITS);
}

function addText(text: string): void {
  makeRoom(text.length * MOST_UNIT_BYTES);
  used += gathered.write(text, used);
}

function addBytes(bytes: Uint8Array): void {
  makeRoom(bytes.length);
  gathered.set(bytes, used);
  used += bytes.length;
}

function makeRoom(bytes: number): void {
  if (used + bytes <= gathered.length) return;
  const more = Buffer.allocUnsafeSlow(2 * (used + bytes));
  more.set(gathered.subarray(0, used));
  gathered = more;
}

/** As hexadecimal digits. The first versions of Node 20 have no digest in one call. */
function sha256(bytes: Uint8Array): string {
  if (crypto.hash === undefined) return crypto.createHash("sha256").update(bytes).digest("hex");
  return crypto.hash("sha256", bytes, "hex");
}
