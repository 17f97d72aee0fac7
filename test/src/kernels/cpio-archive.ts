// Files → a cpio archive of the "newc" form, which a kernel unpacks into its first root file system.
//
// Each member is a header of 110 characters (a magic number and thirteen fields of eight hexadecimal digits), the name with a NUL,
// and the content; name and content each end at a multiple of four. Everything belongs to root, whoever writes the archive.

import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { posix } from "node:path";

const FOLDER = 0o040000;
const FILE = 0o100000;
const LINK = 0o120000;
const CHARACTER_DEVICE = 0o020000;

/** The member that ends an archive. */
const TRAILER = "TRAILER!!!";

/** What is written to an archive. A path is absolute; the folders above it come of themselves, and a path that is there stays. */
export interface CpioArchive {
  folder(path: string): void;
  file(path: string, content: { readonly from: string } | { readonly text: string }, mode: number): void;
  link(path: string, target: string): void;
  characterDevice(path: string, major: number, minor: number): void;
  /** Whether something is at `path`. */
  has(path: string): boolean;
  /** Ends the archive and closes its file. */
  end(): void;
}

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4);
}

/** Opens an archive in `output`, which is replaced. */
export function writeCpio(output: string): CpioArchive {
  const fd = openSync(output, "w");
  const seen = new Set<string>(["/"]);
  let inode = 0;

  const member = (name: string, mode: number, content: Buffer, device: readonly [number, number] = [0, 0]): void => {
    const named = Buffer.from(`${name}\0`);
    const fields = [++inode, mode, 0, 0, 1, 0, content.length, 0, 0, ...device, named.length, 0];
    const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`);
    const parts = [header, named, padding(header.length + named.length), content, padding(content.length)];
    const bytes = Buffer.concat(parts);
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
  };

  /** Takes a path, and writes the folders above it that are not there. False where it is taken. */
  const take = (path: string): boolean => {
    if (seen.has(path)) return false;
    archive.folder(posix.dirname(path));
    seen.add(path);
    return true;
  };

  const archive: CpioArchive = {
    folder(path) {
      if (take(path)) member(path.slice(1), FOLDER | 0o755, Buffer.alloc(0));
    },
    file(path, content, mode) {
      if (!take(path)) return;
      member(path.slice(1), FILE | mode, "text" in content ? Buffer.from(content.text) : readFileSync(content.from));
    },
    link(path, target) {
      if (take(path)) member(path.slice(1), LINK | 0o777, Buffer.from(target));
    },
    characterDevice(path, major, minor) {
      if (take(path)) member(path.slice(1), CHARACTER_DEVICE | 0o600, Buffer.alloc(0), [major, minor]);
    },
    has: (path) => seen.has(path),
    end() {
      member(TRAILER, 0, Buffer.alloc(0));
      closeSync(fd);
    },
  };
  return archive;
}
