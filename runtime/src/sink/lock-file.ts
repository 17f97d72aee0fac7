// The path of a lock -> the right to write what it stands for, held by one process of the host at a time.
//
// Node has no flock. A lock is a file that says whose it is, and creating it fails while it is there. A run that crashed leaves
// it behind, so the next one looks whether its owner still lives:
//
//     {"pid":4711,"start":"8812345","host":"pc-1"}
//
// `start` is when the process began, by the kernel's count, where /proc tells it: a number is given to other processes later.
//
// INVARIANT: one process at most replaces a lock that was left behind. It creates `<lock>.<pid of the dead>`, which only one can,
// sees that the lock is still the one that it has judged, and moves its own over it.

import { readFile, rename, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";

export interface FileLock {
  release(): Promise<void>;
}

/** Another process has the lock. */
export class LockedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "LockedError";
  }
}

interface Owner {
  readonly pid: number;
  readonly start: string | null;
  readonly host: string;
}

/** Throws {@link LockedError}, or what the file system says when the lock cannot be written. */
export async function lockFile(path: string): Promise<FileLock> {
  const own = JSON.stringify({ pid: process.pid, start: await startOf(process.pid), host: hostname() });
  if (!(await create(path, own))) await replace(path, own);
  return {
    async release() {
      if ((await textOf(path)) === own) await unlink(path).catch(() => undefined);
    },
  };
}

/** False when the file is there already. */
async function create(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

async function replace(path: string, own: string): Promise<void> {
  const found = await textOf(path);
  const owner = found === null ? null : ownerOf(found);
  if (owner === null || (await mayLive(owner))) throw locked(path, owner);
  const claim = `${path}.${owner.pid}`;
  if (!(await create(claim, own))) throw locked(path, owner);
  if ((await textOf(path)) !== found) {
    await unlink(claim);
    throw locked(path, null);
  }
  await rename(claim, path);
}

function locked(path: string, owner: Owner | null): LockedError {
  const who = owner === null ? "another run" : `another run (process ${owner.pid} on ${owner.host})`;
  return new LockedError(`${who} writes to it; should there be none any more, remove ${path}`);
}

async function textOf(path: string): Promise<string | null> {
  return readFile(path, "utf8").catch(() => null);
}

/** null for a text that is not a lock's, such as that of a lock which is only just being written. */
function ownerOf(text: string): Owner | null {
  try {
    const { pid, start, host } = JSON.parse(text) as Partial<Owner>;
    if (!Number.isSafeInteger(pid) || pid === undefined || pid < 1 || typeof host !== "string") return null;
    return { pid, start: typeof start === "string" ? start : null, host };
  } catch {
    return null;
  }
}

/** Of a process on another host nothing can be known. */
async function mayLive({ pid, start, host }: Owner): Promise<boolean> {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
  const now = await startOf(pid);
  return start === null || now === null || now === start;
}

/** When a process began, in ticks since the host did (proc(5), field 22 of stat); null where that is not to be had. */
async function startOf(pid: number): Promise<string | null> {
  const text = await textOf(`/proc/${pid}/stat`);
  // The second field is the program's name in brackets, which may hold anything.
  return text?.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? null;
}
