// What one evaluation of a script may use, and what it has used. fengari has no allocator and counts nothing but instructions,
// so every place that works or allocates for a script charges it here.
//
// Fuel: one for an instruction, and for work that an instruction does in JavaScript about one for what takes as long. The hook
// takes INSTRUCTIONS_A_STEP at once, counted from the start of the evaluation, so a script that is given the same events ends
// at the same instruction everywhere.
//
// Memory: what is made is charged with an estimate of its size. When half of what an instance may hold has been charged, what
// its state still holds is measured (live-size.ts), and what it does not hold is no longer charged. So garbage costs nothing,
// and what a script keeps from event to event is found, whenever it was made.

import { ForeignFault, type Limits } from "../foreign-host.js";

/** So many instructions pass between two calls of the hook, and about so much fuel between two looks at the clock. */
export const INSTRUCTIONS_A_STEP = 1000;
/** Calls within calls. Each has a frame of fengari's and its part of the stack. */
export const DEEPEST_CALL = 4096;
/** Estimates of bytes, measured with Node 20: an empty table (two maps), a value in one, a string beside its bytes. */
export const TABLE_BYTES = 400;
export const ENTRY_BYTES = 180;
export const TEXT_BYTES = 96;
export const CLOSURE_BYTES = 120;
/** A value in a frame or captured by a closure. */
export const SLOT_BYTES = 40;
/** A function of a source, and an instruction of it. */
export const PROTO_BYTES = 1000;
export const INSTRUCTION_BYTES = 110;

export interface Meter {
  /** Counts down from the limit. */
  fuel: number;
  /** When fuel falls below this, the clock is read. */
  nextCheck: number;
  /** Charged since what the state holds was last measured. */
  fresh: number;
  /** What the state held when that was last measured, without what every state holds. */
  held: number;
  /** How long the evaluation may take. */
  milliseconds: number;
  /** When that is over, by performance.now(); 0 until the clock is first read, so that a short evaluation never reads it. */
  deadline: number;
  /** What the process had used of the processor when the clock was first read, in microseconds. */
  processorAtStart: number;
  /** What ended the script; it does not go on after that. */
  fault: ForeignFault | null;
  readonly limits: Limits;
  /** Bytes that the state holds. */
  readonly measure: () => number;
}

/** The meter of the instance that runs. One runs at a time: the host calls no script from within a script. */
let current: Meter;

export function useMeter(meter: Meter): void {
  current = meter;
}

/** Ends the script for good: what is thrown here passes through every pcall. */
export function stop(fault: ForeignFault): never {
  current.fault ??= fault;
  throw current.fault;
}

/** A state that has ended does not run on, whatever caught the fault. */
export function throwIfStopped(): void {
  if (current.fault !== null) throw current.fault;
}

/** Remembers what JavaScript threw below a script, so that no pcall hides it. */
export function noteNativeError(error: unknown): never {
  if (error instanceof ForeignFault) return stop(error);
  // Sizes are checked before anything is made of them, so this is the stack, or a process that has no memory.
  if (error instanceof RangeError)
    return /call stack/.test(error.message) ? tooDeep() : stop(new ForeignFault("memory", error.message));
  return stop(new ForeignFault("error", `the runtime of Lua failed: ${String(error).slice(0, 120)}`));
}

export function charge(fuel: number): void {
  const meter = current;
  meter.fuel -= fuel;
  if (meter.fuel < meter.nextCheck) checkNow(meter);
}

/** Ends a script whose fuel is gone, or else its time. */
function checkNow(meter: Meter): void {
  if (meter.fuel < 0) stop(new ForeignFault("fuel", `more than ${meter.limits.fuel} instructions`));
  meter.nextCheck = Math.max(0, meter.fuel - INSTRUCTIONS_A_STEP);
  checkTime();
}

/** Charges for bytes that are copied, compared or searched: a byte takes far less than an instruction. */
export function chargeBytes(bytes: number): void {
  charge(bytes >>> 6);
}

/** Charges memory before it is made. */
export function allocate(bytes: number): void {
  const meter = current;
  meter.fresh += bytes;
  if (meter.fresh > meter.limits.memoryBytes >> 1) collect(meter, bytes);
}

/** Ends a script that wants so many bytes at once, where they are charged when they are there. */
export function checkBytes(bytes: number): void {
  allocate(bytes);
  current.fresh -= bytes;
}

/** Counts what the state holds, where something was made that nothing charged: a script that has been read. */
export function settle(): void {
  collect(current, 0);
}

/** Forgets what the state no longer holds. */
function collect(meter: Meter, wanted: number): void {
  const most = meter.limits.memoryBytes;
  if (wanted <= most) {
    meter.held = meter.measure();
    meter.fresh = wanted;
  }
  if (wanted > most || meter.held + wanted > most) stop(new ForeignFault("memory", `more than ${most} bytes`));
}

/** Called by fengari after every INSTRUCTIONS_A_STEP instructions. */
export function step(): void {
  throwIfStopped();
  charge(INSTRUCTIONS_A_STEP);
}

/**
 * Ends an evaluation that takes too long: by the clock, and by the processor's time as well, so that a script is not blamed
 * for a machine that did not let it run.
 */
export function checkTime(): void {
  const meter = current;
  const now = performance.now();
  if (meter.deadline === 0) {
    meter.deadline = now + meter.milliseconds;
    meter.processorAtStart = processorTime();
  } else if (now > meter.deadline && processorTime() - meter.processorAtStart > meter.milliseconds * 1000) {
    stop(new ForeignFault("time", `more than ${meter.milliseconds} milliseconds`));
  }
}

function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Charges for a call: its frame is made value by value. */
export function chargeFrame(slots: number): void {
  charge(slots >> 2);
}

/** The depth of a call that is about to be made. */
export function checkDepth(depth: number): void {
  if (depth > DEEPEST_CALL) tooDeep();
}

export function tooDeep(): never {
  return stop(new ForeignFault("depth", "too many calls within calls"));
}
