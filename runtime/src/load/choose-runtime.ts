// The folder of a package, and how its predicates are to be run -> the package or packages that are run. `eqlc build --target both`
// writes the same package twice: as Wasm, and in the folder lua/ with its predicates in Lua.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { LUA_FOLDER, MANIFEST_FILE, manifestText } from "@kestrel/stdlib/package-format";
import { type LoadOptions, loadPackage, type Package } from "./load-package.js";
import { PackageError } from "./problems.js";

export type Runtime = "wasm" | "lua" | "both";

export interface ChosenPackages {
  /** What is run, and its folder. */
  readonly pack: Package;
  readonly folder: string;
  /** What its findings are compared with; null when there is no other. */
  readonly other: Package | null;
}

/**
 * `runtime` null takes the package as it was built. What is signed is the outer manifest, which has the digests of the inner one. Throws PackageError, also when the package lacks what is
 * asked for.
 */
export async function loadForRuntime(
  dir: string,
  runtime: Runtime | null,
  options: LoadOptions = {},
): Promise<ChosenPackages> {
  const built = await loadPackage(dir, options);
  if (runtime === null) return { pack: built, folder: dir, other: null };
  const isLua = built.manifest.foreign.some(({ library }) => library !== null);
  const listed = built.manifest.files.find(({ path }) => path === `${LUA_FOLDER}/${MANIFEST_FILE}`);
  if (runtime !== "lua" && isLua) throw lacking(dir, "Wasm", "wasm");
  if (runtime === "wasm") return { pack: built, folder: dir, other: null };
  if (!isLua && listed === undefined) throw lacking(dir, "Lua", runtime);
  const folder = isLua ? dir : join(dir, LUA_FOLDER);
  const lua = isLua ? built : await loadPackage(folder);
  // A signature covers the other package through what this one's manifest says of it: it must still be that one.
  const digest = createHash("sha256").update(manifestText(lua.manifest)).digest("hex");
  if (!isLua && digest !== listed?.sha256) {
    const message = "is not the package that the one around it was built with";
    throw new PackageError([{ code: "E_PACKAGE_DIGEST", file: `${LUA_FOLDER}/${MANIFEST_FILE}`, message }]);
  }
  return runtime === "lua" ? { pack: lua, folder, other: null } : { pack: built, folder: dir, other: lua };
}

function lacking(dir: string, what: string, target: Runtime): PackageError {
  const others = target === "both" ? "" : " or `both`";
  const message = `its predicates are not there in ${what}; build it with \`eqlc build --target ${target}\`${others}`;
  return new PackageError([{ code: "E_PACKAGE_MISSING", file: dir, message }]);
}
