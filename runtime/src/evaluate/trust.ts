// What code has done so far -> whether it is asked about the next event, and with how much fuel. Everything is counted in events and answers, never in
// time, so that a replay does the same.
//
//            a fault by a limit                 an answer
//   trusted ────────────────────► on probation ───────────► trusted
//                                  │  ▲
//       FAULTS_TO_QUARANTINE faults ▼  │ its events are over
//                                 in quarantine: each time for twice as many events
//
// Faults by a limit are counted until TRUSTED_ANSWERS answers have come in a row: code that is endless for one event of ten is left out
// like code that never ends. One answer gives it all of its fuel back.
//
// On probation code has a part of its fuel only, so that code which never ends costs the rules beside it one full evaluation and little more.
// The part grows with the quarantine that it comes from, up to all of it: code that needs more than the part is stopped again, is left
// out for longer, and answers in the end.
//
// Faults that cost little, a wrong type or an error, put code in quarantine only when they come in a row, and leave it its fuel.

import {
  FAULTS_TO_QUARANTINE,
  PROBATION_SHARE,
  QUARANTINE_EVENTS,
  QUARANTINE_MOST,
  TRUSTED_ANSWERS,
} from "@kestrel/stdlib/host-api";
import type { FaultKind } from "../foreign/foreign-host.js";

/** Of one entry of one code. */
export interface Trust {
  /** Faults since it answered last. */
  inARow: number;
  /** Whether a limit has stopped it since. */
  isOnProbation: boolean;
  /** Faults by a limit, and answers since the last of them; counted while there are such faults. */
  strikes: number;
  answers: number;
  /** Events left of its quarantine, and how long the last one was; 0 when its faults are forgotten. */
  resting: number;
  rest: number;
}

export function trusted(): Trust {
  return { inARow: 0, isOnProbation: false, strikes: 0, answers: 0, resting: 0, rest: 0 };
}

/** Whether it is left out of the event at hand, of which one fewer is left then. For pred_eval the module does this: see foreign_rests in abi.ts. */
export function isLeftOut(trust: Trust): boolean {
  if (trust.resting === 0) return false;
  trust.resting--;
  return true;
}

/** The fuel that it has, of `fuel` for code that is trusted; 1 at least. */
export function fuelFor({ isOnProbation, rest }: Trust, fuel: number): number {
  if (!isOnProbation) return fuel;
  return Math.max(1, Math.floor(fuel * Math.max(1 / PROBATION_SHARE, rest / QUARANTINE_MOST)));
}

export function noteAnswer(trust: Trust): void {
  trust.inARow = 0;
  trust.isOnProbation = false;
  if (trust.strikes > 0 && ++trust.answers < TRUSTED_ANSWERS) return;
  trust.strikes = 0;
  trust.answers = 0;
  trust.rest = 0;
}

/** Notes a fault; true when it puts the code in quarantine. `isHeld` is false for code whose limits are no part of what it may cost. */
export function noteFault(trust: Trust, kind: FaultKind, isHeld = true): boolean {
  const isCostly = isHeld && (kind === "fuel" || kind === "time" || kind === "memory");
  trust.inARow++;
  if (isCostly) {
    trust.isOnProbation = true;
    trust.strikes++;
    trust.answers = 0;
  }
  if (Math.max(trust.inARow, isCostly ? trust.strikes : 0) < FAULTS_TO_QUARANTINE) return false;
  trust.rest = trust.rest === 0 ? QUARANTINE_EVENTS : Math.min(trust.rest * 2, QUARANTINE_MOST);
  trust.resting = trust.rest;
  return true;
}
