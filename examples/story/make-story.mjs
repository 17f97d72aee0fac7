// Writes web-server-intrusion.ndjson: forty minutes of one Linux web server as ECS events, with an intrusion in the middle of
// ordinary work. `--background` prints the ordinary work alone, `--out FILE` writes elsewhere.
// INVARIANT: the output depends on nothing but this folder. All public addresses and names are from documentation ranges.

import { writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { intrusion } from "./intrusion.mjs";
import { ordinaryWork, startServices } from "./ordinary-work.mjs";
import { recordHost } from "./record-host.mjs";

/**
 * Tells the whole story. Returns entries `{ time, act, delay, event }` in the order of event time: `act` is "background" or
 * "intrusion", `delay` the microseconds by which the event reaches the file late, `event` the ECS document.
 */
export function tellStory() {
  const host = recordHost(20260317);
  const services = startServices(host);
  ordinaryWork(host, services);
  host.setAct("intrusion");
  intrusion(host, services);
  return host.finish();
}

/** The story as the lines of its file. With `{ background: true }`, only the ordinary work. */
export function storyLines(options = {}) {
  return tellStory()
    .filter((entry) => !options.background || entry.act === "background")
    .map((entry, i) => ({ entry, i, arrival: entry.time + entry.delay }))
    .sort((a, b) => a.arrival - b.arrival || a.i - b.i)
    .map(({ entry }) => JSON.stringify(entry.event));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const out = process.argv.indexOf("--out");
  if (process.argv.includes("--background")) {
    process.stdout.write(`${storyLines({ background: true }).join("\n")}\n`);
  } else {
    const file =
      out > 0 ? process.argv[out + 1] : fileURLToPath(new URL("web-server-intrusion.ndjson", import.meta.url));
    writeFileSync(file, `${storyLines().join("\n")}\n`);
  }
}
