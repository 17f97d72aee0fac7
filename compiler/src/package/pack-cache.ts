// The parts of a package, kept in a store: where no query has changed, and only what rules are called and say of themselves, nothing is planned or
// generated.
//
// SOUND: the name of an entry is the digest of the profile and of the names of the queries in their order (cache/query-name.ts). Nothing else of a rule is read by
// `compilePack` and `partsOf` where predicates become Wasm; those in Lua hold what rules are called, and are not kept. The entry lists its pieces, each under the
// digest of what it holds: the same parts may be other bytes in another build, and pieces of both would be no parts.

import { createHash } from "node:crypto";
import { deserialize, serialize } from "node:v8";
import type { QueryNames } from "../cache/query-name.js";
import type { Store } from "../cache/store.js";
import type { CompiledRule } from "../front.js";
import type { Foreign } from "../ir/foreign.js";
import type { Profile } from "../profile/profile.js";
import { profileText } from "../sources/profile-file.js";
import type { PackParts } from "./pack-parts.js";

/** In the order of the package, with the hand-written code that they may use, by its id. */
export interface QueriesOfPack {
  readonly rules: readonly Pick<CompiledRule, "rule">[];
  readonly packages: ReadonlyMap<string, Foreign>;
}

export interface PackCache {
  get(pack: QueriesOfPack): PackParts | null;
  put(pack: QueriesOfPack, parts: PackParts): void;
}

/** A store keeps no entry that takes much of one of its folders, so a pack is kept in pieces. */
const PIECE_BYTES = 1 << 19;
const DIGEST_BYTES = 32;

/** The packs of rules that use no code but what is there. */
export function createPackCache(store: Store, nameOf: QueryNames, profile: Profile | null): PackCache {
  const steered = JSON.stringify(["pack", profile && profileText(profile)]);
  const digestOf = ({ rules, packages }: QueriesOfPack): string | null => {
    const hash = createHash("sha256").update(steered);
    for (const { rule } of rules) {
      const name = nameOf(rule, packages);
      if (name === null) return null;
      hash.update(name);
    }
    return hash.digest("hex");
  };
  return {
    get(pack) {
      const digest = digestOf(pack);
      const listed = digest === null ? null : store.get(digest);
      if (listed === null) return null;
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < listed.length; at += DIGEST_BYTES) {
        const piece = store.get(Buffer.from(listed.subarray(at, at + DIGEST_BYTES)).toString("hex"));
        if (piece === null) return null;
        pieces.push(piece);
      }
      return deserialize(Buffer.concat(pieces)) as PackParts;
    },
    put(pack, parts) {
      if (parts.queries.length !== pack.rules.length) throw new RangeError("these are the parts of other rules");
      const digest = digestOf(pack);
      if (digest === null) return;
      const content = serialize(parts);
      const listed: Buffer[] = [];
      for (let at = 0; at < content.length; at += PIECE_BYTES) {
        const piece = content.subarray(at, at + PIECE_BYTES);
        const name = createHash("sha256").update(steered).update(piece).digest();
        store.put(name.toString("hex"), piece);
        listed.push(name);
      }
      store.put(digest, Buffer.concat(listed));
    },
  };
}
