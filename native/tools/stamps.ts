// What a step was made from → whether it has to be made again.
//
// Beside each product stands a stamp, a digest of everything that went into it: contents of files, commands, versions of tools.
// Times are not asked: a checkout changes them and a clock can be wrong.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** The digest of texts, and of the contents of files where an ingredient is `{ file }`. */
export function digestOf(ingredients: readonly (string | { readonly file: string })[]): string {
  const hash = createHash("sha256");
  for (const ingredient of ingredients) {
    const part = typeof ingredient === "string" ? Buffer.from(ingredient) : readFileSync(ingredient.file);
    // The length keeps "a" + "bc" apart from "ab" + "c".
    hash.update(`${part.length}:`).update(part);
  }
  return hash.digest("hex");
}

/**
 * Has `make` make `product` unless it stands there, made from the same ingredients. Returns whether it was made.
 * A product whose making fails leaves no stamp, so that half of it is never taken for the whole.
 */
export async function makeOnce(product: string, digest: string, make: () => Promise<void>): Promise<boolean> {
  const stamp = `${product}.stamp`;
  if (existsSync(product) && existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return false;
  rmSync(stamp, { force: true });
  mkdirSync(dirname(product), { recursive: true });
  await make();
  writeFileSync(stamp, digest);
  return true;
}
