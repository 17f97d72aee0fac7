// The thread beside the evaluating one: it looks at the heartbeat of the calls into the module (load/call-module.ts), and acts when
// one does not return. What the evaluating thread can no longer do by itself it is made to do through Node's inspector, which reaches
// it in the middle of a loop of WebAssembly, where nothing else does:
//
//   after SLOW_MS      it is told, and gives the signals back, so that one ends the process at once
//   after timeoutMs    the call is ended as V8 ends a script; its event loop goes on, and is told
//   after END_MS more  it has not ended the process: this thread does
//
// INVARIANT: only time counts in which the process runs. Stopped, or asleep with its machine, it is not late.
//
// Of the timeout, only time counts that the call took itself: where hand-written code is at work whenever this thread looks, and not the same
// evaluation all the time, a thousand honest evaluations may take as long as they are allowed to. A module that calls it for ever takes time itself, too.

import { writeSync } from "node:fs";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { FOREIGN_MILLISECONDS } from "@kestrel/stdlib/host-api";
import { BEAT_CALLS, BEAT_FOREIGN } from "../load/call-module.js";

export interface WatchdogData {
  readonly heartbeat: SharedArrayBuffer;
  /** What a call may take; 0 for any time. */
  readonly timeoutMs: number;
  /** JavaScript that is to be run in the evaluating thread when a call is slow; behind it comes the call's number in brackets. */
  readonly onSlow: string;
  /** What to say where the evaluating thread cannot. */
  readonly lastWords: string;
}

const LOOK_MS = 250;
/** No call of a module that eqlc built takes a tenth of this. */
const SLOW_MS = 1000;
const END_MS = 10_000;
/** No evaluation of hand-written code takes so long, for its own limits end it. */
const FOREIGN_MS = 2 * FOREIGN_MILLISECONDS;

const { heartbeat, timeoutMs, onSlow, lastWords } = workerData as WatchdogData;
const beat = new Int32Array(heartbeat);
const port = parentPort as MessagePort;
let call = 0;
/** Since the call began; what of it counts for the timeout; and since the evaluation that is under way was first seen. */
let heldMs = 0;
let ownMs = 0;
let evaluation = 0;
let evaluationMs = 0;
let toldOf = 0;
let last = performance.now();

const timer = setInterval(look, LOOK_MS);

function look(): void {
  const now = performance.now();
  const passed = Math.min(now - last, 2 * LOOK_MS);
  last = now;
  const current = Atomics.load(beat, BEAT_CALLS);
  if (current !== call || current % 2 === 0) {
    call = current;
    heldMs = 0;
    ownMs = 0;
    return;
  }
  heldMs += passed;
  const underWay = Atomics.load(beat, BEAT_FOREIGN);
  evaluationMs = underWay === evaluation ? evaluationMs + passed : 0;
  evaluation = underWay;
  if (underWay % 2 === 0 || evaluationMs > FOREIGN_MS) ownMs += passed;
  if (heldMs >= SLOW_MS && toldOf !== call) {
    toldOf = call;
    ask("Runtime.evaluate", { expression: `${onSlow}(${call})` });
  }
  if (timeoutMs === 0 || ownMs < timeoutMs) return;
  clearInterval(timer);
  ask("Runtime.terminateExecution");
  // Behind the end of the call, for the event loop to wake up to.
  port.postMessage(call);
  setTimeout(() => {
    writeSync(process.stderr.fd, `${lastWords}\n`);
    process.kill(process.pid, "SIGKILL");
  }, END_MS);
}

/** Without an inspector, which Node can be built without, only the last of the three ways is left. */
function ask(method: string, parameters: object = {}): void {
  import("node:inspector").then(
    ({ Session }) => {
      const session = new Session();
      session.connectToMainThread();
      session.post(method, parameters, () => session.disconnect());
    },
    () => undefined,
  );
}
