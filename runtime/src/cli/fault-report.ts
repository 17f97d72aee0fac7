// Faults of code that the module asks its host for, as they happen -> the first of each rule on standard error, and each time one is left out.

import { printable } from "../alert/terminal.js";
import type { ForeignFaultReport } from "../evaluate/foreign-tester.js";
import { counted } from "../report/summary.js";

/** How many faults of a rule are shown; the rest is counted. */
const SHOWN = 3;

/** `say` writes a line on standard error. */
export function createFaultReport(say: (line: string) => void): (fault: ForeignFaultReport) => void {
  return ({ name, isGenerated, kind, message, count, quarantined }) => {
    if (count > SHOWN && quarantined === 0) return;
    const rest =
      quarantined === 0
        ? ""
        : `; it is left out for the next ${counted(quarantined, "event", "events")} that it would be asked about`;
    const what = isGenerated ? "generated predicate" : "hand-written rule";
    say(printable(`warning: the ${what} ${name} was stopped (${kind}): ${message}${rest}`));
  };
}
