// The inputs of a replay -> which of them are recordings of live runs, and how such a run is repeated.

import type { PackageManifest } from "@kestrel/stdlib/package-format";
import { printable } from "../alert/terminal.js";
import { type RecordingHeader, recordingAt } from "../ebpf/recording.js";

/** Hexadecimal digits of a package's digest that are shown. */
const SHOWN_DIGITS = 12;

export interface Recordings {
  readonly files: ReadonlySet<string>;
  /** The lateness of the run that is repeated; null when there is none, or something else is read beside it. */
  readonly latenessNs: bigint | null;
}

/** Looks at the beginnings of all inputs but standard input. Throws RecordingError for a recording that cannot be repeated. */
export async function findRecordings(
  paths: readonly string[],
  manifest: PackageManifest,
  say: (line: string) => void,
): Promise<Recordings> {
  const found = new Map<string, RecordingHeader>();
  for (const path of paths) {
    const header = path === "-" ? null : await recordingAt(path);
    if (header !== null) found.set(path, header);
  }
  const [first] = found.values();
  if (first === undefined) return { files: new Set(), latenessNs: null };
  const { planCollection, streamed } = await import("../ebpf/plan-collection.js");
  const asked = streamed(planCollection(manifest));
  for (const [path, header] of found) {
    if (header.package.digest === manifest.package.digest) continue;
    const { name, version, digest } = header.package;
    const lacking = asked.filter((event) => !header.events.includes(event));
    const lacks = lacking.length === 0 ? "" : `; it has no ${lacking.join(", ")} events, for which this one asks`;
    say(
      printable(
        `note: ${path} was recorded with another package, ${name} ${version} (${digest.slice(0, SHOWN_DIGITS)})${lacks}`,
      ),
    );
  }
  const isAlone =
    found.size === paths.length && [...found.values()].every((one) => one.latenessNs === first.latenessNs);
  if (!isAlone) say("note: recordings of live runs are read as ordinary files beside others, and sorted by time");
  return { files: new Set(found.keys()), latenessNs: isAlone ? first.latenessNs : null };
}
