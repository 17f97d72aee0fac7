// What the command line says of alerts -> the sinks that write them.

import { alertToJson } from "../alert/alert-to-json.js";
import { createAlertRenderer } from "../alert/alert-to-text.js";
import { printable, wantsColor } from "../alert/terminal.js";
import { counted } from "../report/summary.js";
import { fileOutput } from "../sink/alert-file.js";
import { type Sink, textSink } from "../sink/sink.js";
import { streamOutput } from "../sink/text-output.js";
import { assertOutput } from "./output-place.js";

export interface SinkOptions {
  /** The inputs, of which none may be the file for the alerts. */
  readonly replay: readonly string[];
  /** File for the alerts; without it they go to standard output. */
  readonly alerts: string | null;
  /** Goes on with that file instead of replacing it. */
  readonly append: boolean;
  /** What goes to standard output; null for nothing. */
  readonly output: "text" | "json" | null;
}

export interface SinkEvents {
  /** Nobody reads standard output any more, and the alerts go nowhere else. */
  readonly closed: () => void;
  readonly say: (line: string) => void;
}

/** Throws CliError for a file that no alerts may be written to. */
export async function openSinks(dir: string, options: SinkOptions, { closed, say }: SinkEvents): Promise<Sink[]> {
  const { alerts, append, output, replay } = options;
  const sinks: Sink[] = [];
  if (alerts !== null) {
    await assertOutput({ file: alerts, what: "alerts", code: "E_ALERTS_WRITE" }, dir, replay);
    const onCut = (bytes: number): void => {
      const cut = counted(bytes, "byte was", "bytes were");
      say(printable(`${alerts} ended in an unfinished line, of which ${cut} cut off`));
    };
    sinks.push(textSink(await fileOutput(alerts, { append, onCut }), (alert) => `${alertToJson(alert)}\n`));
  }
  if (output === null) return sinks;
  const render =
    output === "json" ? alertToJson : createAlertRenderer({ color: wantsColor(process.stdout, process.env) });
  const onClosed = (): void => {
    if (alerts === null) closed();
    else say(printable(`nobody reads standard output any more; alerts still go to ${alerts}`));
  };
  sinks.push(textSink(streamOutput(process.stdout, onClosed), (alert) => `${render(alert)}\n`));
  return sinks;
}
