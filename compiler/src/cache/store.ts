// A folder of results, each under the digest of what it was made of.
//
//   <folder>/ab/cdef…   SHA-256 of the name and of what follows (32 bytes), whether it is packed (1 byte), content
//
// SOUND: a name is the digest of everything that a result depends on, so an entry is right or it is not found; who may put one there is who
// may run the compiler. The digest in front of an entry covers its name, so one that was cut short, changed or put under another name is
// none. An entry appears whole, by a rename, and two builds that make the same one make the same bytes. Entries are data: nothing in them is
// run. What fails is as if nothing were cached: the folder may be deleted at any time, while a build runs too.
// A folder that others may write to is not used: what they put there would stand in packages.

import { createHash, randomBytes } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { deflateRawSync, inflateRawSync } from "node:zlib";

export interface Store {
  /** The content under a name, which is 64 hexadecimal digits; null when there is none. */
  get(name: string): Uint8Array | null;
  put(name: string, content: Uint8Array): void;
  /** To be called when a build is done: removes what has not been used for longest where there is too much. */
  finish(): void;
}

export interface StoreLimits {
  /** Of all entries of one of the 256 folders. */
  readonly folderBytes: number;
}

/** 512 MiB in all; 3,599 rules take 20, and 2 more for each state in which they were built. */
const LIMITS: StoreLimits = { folderBytes: 2 << 20 };
const DIGEST_BYTES = 32;
/** What stands before a content. */
const [PLAIN, PACKED] = [0, 1];
/** What is longer is packed: a rule of 40,000 characters makes two megabytes, which are one part in twenty then. */
const LARGE_BYTES = 1 << 16;
const HOUR_MS = 3_600_000;
const OTHERS_MAY_WRITE = 0o022;

/** Opens, and where needed makes, the folder of a store; or says why it cannot be used. */
export function openStore(folder: string, limits: StoreLimits = LIMITS): Store | string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(folder);
    // Windows has neither; there the folder is in the user's own.
    if (process.getuid !== undefined && uid !== process.getuid()) return "it belongs to another user";
    if (process.platform !== "win32" && (mode & OTHERS_MAY_WRITE) !== 0) return "others may write to it";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
  return storeIn(folder, limits);
}

function storeIn(folder: string, { folderBytes }: StoreLimits): Store {
  const made = new Set<string>();
  const placeOf = (name: string): { readonly parent: string; readonly file: string } => {
    if (!/^[0-9a-f]{64}$/.test(name)) throw new RangeError(`not a name: ${name}`);
    const parent = join(folder, name.slice(0, 2));
    return { parent, file: join(parent, name.slice(2)) };
  };
  return {
    get(name) {
      const { file } = placeOf(name);
      try {
        const bytes = readFileSync(file);
        const content = bytes.subarray(DIGEST_BYTES);
        if (!digestOf(name, content).equals(bytes.subarray(0, DIGEST_BYTES))) return null;
        touch(file);
        return content[0] === PACKED ? inflateRawSync(content.subarray(1)) : content.subarray(1);
      } catch {
        return null;
      }
    },
    put(name, content) {
      const isLarge = content.byteLength > LARGE_BYTES;
      const kept = Buffer.concat([
        Uint8Array.of(isLarge ? PACKED : PLAIN),
        isLarge ? deflateRawSync(content, { level: 1 }) : content,
      ]);
      if (kept.byteLength > folderBytes / 2) return;
      const { parent, file } = placeOf(name);
      const fresh = join(parent, `.${process.pid}.${randomBytes(6).toString("hex")}`);
      try {
        if (!made.has(parent)) mkdirSync(parent, { recursive: true, mode: 0o700 });
        made.add(parent);
        writeFileSync(fresh, Buffer.concat([digestOf(name, kept), kept]), { flag: "wx", mode: 0o600 });
        renameSync(fresh, file);
      } catch {
        rmSync(fresh, { force: true });
      }
    },
    finish() {
      for (const parent of made) trim(parent, folderBytes);
      made.clear();
    },
  };
}

function digestOf(name: string, content: Uint8Array): Buffer {
  return createHash("sha256").update(name).update(content).digest();
}

/** Notes that an entry was used, where that can be noted: within an hour is exact enough. */
function touch(file: string): void {
  try {
    const now = Date.now();
    if (now - statSync(file).mtimeMs > HOUR_MS) utimesSync(file, now / 1000, now / 1000);
  } catch {
    // A folder that can only be read, or another build removed the entry.
  }
}

/** Removes of a folder what a build left behind that was broken off an hour ago, and the entries that were not used for longest until the rest is within the bound. */
function trim(parent: string, limit: number): void {
  try {
    const entries = readdirSync(parent).flatMap((name) => {
      const file = join(parent, name);
      const { mtimeMs, size } = lstatSync(file);
      if (!name.startsWith(".")) return [{ file, mtimeMs, size }];
      if (Date.now() - mtimeMs > HOUR_MS) rmSync(file, { force: true });
      return [];
    });
    let bytes = entries.reduce((sum, { size }) => sum + size, 0);
    for (const { file, size } of entries.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (bytes <= limit) return;
      rmSync(file, { force: true });
      bytes -= size;
    }
  } catch {
    // Another build removed the same, or the folder is gone.
  }
}
