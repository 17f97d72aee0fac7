// Signals and a reader that goes away -> one reason to stop, whichever came first.

export const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
export type StopSignal = keyof typeof SIGNALS;
export type StopReason = "nobody reads" | StopSignal;

export interface Stop {
  now(reason: StopReason): void;
  /** null while there is no reason to stop. */
  readonly reason: StopReason | null;
  /** Is called when there is one; there is one listener at a time. */
  onStop: () => void;
}

export function createStop(): Stop {
  let reason: StopReason | null = null;
  const stop: Stop = {
    now(why) {
      reason ??= why;
      stop.onStop();
    },
    get reason() {
      return reason;
    },
    onStop: () => undefined,
  };
  return stop;
}

/** Once: a second signal ends the process as if there were nobody to listen, should an output hang. */
export function stopAtSignals(stop: Stop): void {
  for (const signal of Object.keys(SIGNALS) as StopSignal[]) process.once(signal, () => stop.now(signal));
}

export function isSignal(ending: string): ending is StopSignal {
  return ending in SIGNALS;
}
