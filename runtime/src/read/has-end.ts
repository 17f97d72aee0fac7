// A path of an input -> whether it ends by itself.

import { fstatSync } from "node:fs";
import { stat } from "node:fs/promises";

/** The file descriptor of standard input. */
const STDIN = 0;

/**
 * Whether the input at `path` (`-` is standard input) is a regular file, which has an end that can be waited for. A pipe, a
 * FIFO, a socket and a terminal may stay open for ever. A path that cannot be looked at has no end; reading it says why.
 */
export async function hasEnd(path: string): Promise<boolean> {
  try {
    return (path === "-" ? fstatSync(STDIN) : await stat(path)).isFile();
  } catch {
    return false;
  }
}
