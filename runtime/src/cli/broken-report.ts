// Broken lines as they are found -> the first of them on standard error, and how many there were more.

import { printable } from "../alert/terminal.js";
import type { BrokenLine } from "../evaluate/broken-lines.js";
import { counted } from "../report/summary.js";

/** How many broken lines are shown; the rest is counted. */
const SHOWN_BROKEN = 5;

export interface BrokenReport {
  /** Any other line on standard error. */
  say(line: string): void;
  show(line: BrokenLine): void;
  sumUp(all: number): void;
}

/** `clear` takes away what stands on the line of the terminal. */
export function createBrokenReport(clear: () => void): BrokenReport {
  let seen = 0;
  const say = (line: string): void => {
    clear();
    process.stderr.write(`${line}\n`);
  };
  return {
    say,
    show(line) {
      seen++;
      if (seen <= SHOWN_BROKEN) say(brokenText(line));
    },
    sumUp(all) {
      const hidden = all - Math.min(seen, SHOWN_BROKEN);
      if (hidden > 0 && all > SHOWN_BROKEN) say(`and ${counted(hidden, "broken line", "broken lines")} more`);
    },
  };
}

function brokenText({ file, line, reason, excerpt }: BrokenLine): string {
  const where = `${file === "-" ? "stdin" : file}:${line}`;
  return printable(`${where}: ${reason}${excerpt === "" ? "" : `: ${excerpt}`}`);
}
