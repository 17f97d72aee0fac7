// How a live run goes, on a terminal: one line that is written again and again. For the eye only.

const EVERY_MS = 500;

export interface LiveStatus {
  /** Takes the line away, so that something else can be written; it comes back by itself. */
  clear(): void;
  close(): void;
}

const NO_STATUS: LiveStatus = { clear: () => undefined, close: () => undefined };

/** What there is to say at one moment. */
export interface LiveFigures {
  readonly events: number;
  readonly alerts: number;
  readonly lost: number;
}

/** `hooks` is how many are attached. */
export function createLiveStatus(stream: NodeJS.WriteStream, hooks: number, figures: () => LiveFigures): LiveStatus {
  if (!stream.isTTY) return NO_STATUS;
  let before = figures().events;
  let shown = false;
  const clear = (): void => {
    if (shown) stream.write("\r\u001b[K");
    shown = false;
  };
  const timer = setInterval(() => {
    const { events, alerts, lost } = figures();
    const rate = Math.round(((events - before) * 1000) / EVERY_MS);
    before = events;
    clear();
    stream.write(`${rate} events/s  ${events} events  ${alerts} alerts  ${lost} lost  ${hooks} hooks`);
    shown = true;
  }, EVERY_MS);
  timer.unref();
  return {
    clear,
    close() {
      clearInterval(timer);
      clear();
    },
  };
}
