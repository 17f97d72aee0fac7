// A folder -> the files that the package in it lists, if there is a package in it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MANIFEST_FILE } from "@kestrel/stdlib/package-format";

export interface ListedFile {
  readonly path: string;
  readonly sha256: string;
}

/** What the manifest in `folder` lists beside itself, whatever version its format has; null when there is no package. */
export function listedFiles(folder: string): readonly ListedFile[] | null {
  let manifest: unknown;
  try {
    manifest = JSON.parse(readFileSync(join(folder, MANIFEST_FILE), "utf8"));
  } catch {
    return null;
  }
  if (typeof manifest !== "object" || manifest === null) return null;
  const { format_version: format, files } = manifest as { format_version?: unknown; files?: unknown };
  if (typeof format !== "string" || !Array.isArray(files)) return null;
  return files.flatMap((file: unknown) => {
    const { path, sha256 } = (file ?? {}) as { path?: unknown; sha256?: unknown };
    return typeof path === "string" ? [{ path, sha256: typeof sha256 === "string" ? sha256 : "" }] : [];
  });
}
