// What Wasm and Lua do not both find -> a line on standard error for each of the first differences.

import type { PackageManifest } from "@kestrel/stdlib/package-format";
import { printable } from "../alert/terminal.js";
import type { Difference } from "../engine/compare-detectors.js";
import type { Detection } from "../lane/detection.js";

const SHOWN = 10;

/** `say` writes a line on standard error. */
export function createDifferenceReport(
  { rules }: PackageManifest,
  say: (line: string) => void,
): (difference: Difference) => void {
  let shown = 0;
  const textOf = (detection: Detection | null): string => {
    if (detection === null) return "nothing more";
    const places = detection.events.map((event) => (event === null ? "nothing" : `${event.file}:${event.fileLine}`));
    return `${rules[detection.rule]?.id ?? "a rule"} at ${places.join(", ")}`;
  };
  return ({ first, second }) => {
    if (++shown > SHOWN) return;
    say(printable(`error[E_RUNTIMES_DIFFER]: Wasm finds ${textOf(first)}, Lua ${textOf(second)}`));
  };
}
