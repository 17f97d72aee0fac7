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

/** Signals that stop the run instead of ending the process at once. */
export interface CaughtSignals {
  /** Lets them end the process, as long as nobody could hear of them. */
  readonly release: () => void;
  /** Catches again those that have not come. */
  readonly take: () => void;
}

/** Each once: a second signal ends the process as if there were nobody to listen, should an output hang. */
export function stopAtSignals(stop: Stop): CaughtSignals {
  const waiting = new Map<StopSignal, () => void>();
  for (const signal of Object.keys(SIGNALS) as StopSignal[]) {
    waiting.set(signal, () => {
      waiting.delete(signal);
      stop.now(signal);
    });
  }
  const signals = {
    release(): void {
      for (const [signal, listener] of waiting) process.removeListener(signal, listener);
    },
    take(): void {
      for (const [signal, listener] of waiting) process.once(signal, listener);
    },
  };
  signals.take();
  return signals;
}

export function isSignal(ending: string): ending is StopSignal {
  return ending in SIGNALS;
}
