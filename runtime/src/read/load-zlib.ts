// Node's zlib, loaded by whoever packs or unpacks something: that takes a millisecond, and most inputs are not packed.

import { createRequire } from "node:module";

export function loadZlib(): typeof import("node:zlib") {
  return createRequire(import.meta.url)("node:zlib") as typeof import("node:zlib");
}
