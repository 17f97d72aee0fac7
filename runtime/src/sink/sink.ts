// Where alerts go. Whoever writes to a sink waits for it, and a sink that has no room lets them wait: so what is gathered
// anywhere is bounded, however slow the other side and however many the alerts.

import type { Alert } from "../alert/alert.js";
import type { TextOutput } from "./text-output.js";

export interface Sink {
  /** The run has begun, and something was read: what the other side held before may go. Throws as `write` does. */
  begin?(): Promise<void>;
  /** Takes an alert, and waits while there is no room. Throws SinkError when it cannot be written, or one before it. */
  write(alert: Alert): Promise<void>;
  /** Waits until everything that was taken has been handed to the other side. Throws as `write` does. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** A sink that writes each alert as the text that `toText` makes of it. */
export function textSink(output: TextOutput, toText: (alert: Alert) => string): Sink {
  return {
    begin: async () => output.begin?.(),
    write: (alert) => output.write(toText(alert)),
    flush: () => output.flush(),
    close: () => output.close(),
  };
}
