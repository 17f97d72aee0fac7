// Two detectors over the same lines → one that finds what the first does, and tells where the second found something else. What
// they find is compared after each step, detection by detection, in order.

import type { Detection } from "../lane/detection.js";
import type { Steps } from "../lane/lane.js";
import type { Detector } from "./detector.js";

/** A detection that one side has and the other does not, or has later. */
export interface Difference {
  /** The detection of each side that stands at the first place where they differ; null where a side has none. */
  readonly first: Detection | null;
  readonly second: Detection | null;
}

export interface ComparedDetectors {
  readonly detector: Detector;
  /** In how many steps the sides did not find the same. */
  differences(): number;
}

/**
 * Makes both sides with what they are to tell their detections to. `onAlert` is called for those of the first; the second is always
 * a step ahead.
 */
export function compareDetectors(
  makeFirst: (onAlert: (detection: Detection) => void) => Detector,
  makeSecond: (onAlert: (detection: Detection) => void) => Detector,
  onAlert: (detection: Detection) => void,
  onDifference: (difference: Difference) => void,
): ComparedDetectors {
  let found: Detection[] = [];
  let expected: Detection[] = [];
  let count = 0;
  const first = makeFirst((detection) => {
    found.push(detection);
    onAlert(detection);
  });
  const second = makeSecond((detection) => expected.push(detection));

  function compare(): void {
    const length = Math.max(found.length, expected.length);
    for (let at = 0; at < length; at++) {
      const [one, other] = [found[at] ?? null, expected[at] ?? null];
      if (textOf(one) === textOf(other)) continue;
      count++;
      onDifference({ first: one, second: other });
      break;
    }
    found = [];
    expected = [];
  }

  function* inSteps<Result>(
    theirs: Generator<void, Result, void>,
    own: Generator<void, Result, void>,
  ): Generator<void, Result, void> {
    for (let step = theirs.next(); step.done !== true; step = theirs.next());
    const result = yield* own;
    compare();
    return result;
  }

  const steps = (make: (detector: Detector) => Steps): Steps => inSteps(make(second), make(first));
  return {
    differences: () => count,
    detector: {
      readBuffers: (bytes) => first.readBuffers(bytes),
      feed(bytes, origin) {
        second.feed(bytes, origin);
        const lines = first.feed(bytes, origin);
        compare();
        return lines;
      },
      feedInSteps: (bytes, origin) => inSteps(second.feedInSteps(bytes, origin), first.feedInSteps(bytes, origin)),
      tickInSteps: (line, origin) => steps((detector) => detector.tickInSteps(line, origin)),
      skipLong(line) {
        second.skipLong(line);
        first.skipLong(line);
      },
      finish() {
        second.finish();
        first.finish();
        compare();
      },
      finishInSteps: () => steps((detector) => detector.finishInSteps()),
      idleInSteps: (silenceNs) => steps((detector) => detector.idleInSteps(silenceNs)),
      stopInSteps: () => steps((detector) => detector.stopInSteps()),
      ask: first.ask,
      counters: () => first.counters(),
    },
  };
}

/** Equal for equal detections of two runs over the same lines. */
function textOf(detection: Detection | null): string {
  if (detection === null) return "";
  const { rule, key, events } = detection;
  return JSON.stringify([rule, key, events.map((event) => event?.ordinal ?? null)]);
}
