// Calls into a module -> their results, or one kind of error; and what a thread beside this one can see of them.
//
// Nobody sees them before the second: most short runs make one call, and a thread takes longer to start than that call takes. So the first is made under a
// guard, which can only end it; a call that was ended is made again, by an instance in which nothing has run, when somebody watches.
//
// The heartbeat is an Int32Array of BEAT_WORDS words in memory that can be shared. Its BEAT_CALLS grows by one when a call begins and
// when it ends, so it is odd while one is under way, and stays the same while that one does not return. Its BEAT_FOREIGN is the same of the
// evaluations of hand-written code in that call, of which there may be a thousand, each with limits of its own.

export const BEAT_CALLS = 0;
export const BEAT_FOREIGN = 1;
export const BEAT_WORDS = 2;

/** The module failed, which a module that eqlc built does not do; what ran it cannot be used any more. */
export class ModuleError extends Error {
  readonly code = "E_MODULE_FAILED";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ModuleError";
  }
}

let beat: Int32Array<ArrayBufferLike> = new Int32Array(BEAT_WORDS);
let calls = 0;
let evaluations = 0;
/** Where the call that is under way stands in the events; null while there is none. */
let place: (() => string) | null = null;
let returned: (() => void) | null = null;

/** What is done about calls until somebody watches them. */
export interface Unwatched {
  /** Makes the first call; false when it did not return in time, and was ended. Throws what it throws. */
  readonly first: (call: () => void) => boolean;
  /** Is called once, before the call that is to be watched; `isSlow` when that was ended before. */
  readonly watch: (isSlow: boolean) => void;
}

let unwatched: Unwatched | null = null;
let isFirst = false;

/** For all calls from now on; null to leave them as they are. */
export function watchCalls(later: Unwatched | null): void {
  unwatched = later;
  isFirst = later !== null;
}

/**
 * Calls into the module; what that throws becomes a {@link ModuleError} that says where in the events it was. `renew` is given where the call can be made
 * again after it was ended anywhere: it makes all be as before the call.
 */
export function callModule<Result>(call: () => Result, where: () => string, renew?: () => void): Result {
  if (unwatched === null) return callWatched(call, where);
  const { first, watch } = unwatched;
  let isSlow = false;
  if (isFirst && renew !== undefined) {
    isFirst = false;
    let result: { readonly value: Result } | null = null;
    const isOver = asModuleErrors(
      () =>
        first(() => {
          result = { value: call() };
        }),
      where,
    );
    if (isOver && result !== null) return (result as { readonly value: Result }).value;
    isSlow = true;
    renew();
  }
  unwatched = null;
  watch(isSlow);
  return callWatched(call, where);
}

/** An evaluation of hand-written code: what it takes is its limits' to bound, and does not count for the call that asked for it. */
export function callForeign<Result>(evaluate: () => Result): Result {
  beat[BEAT_FOREIGN] = ++evaluations;
  try {
    return evaluate();
  } finally {
    beat[BEAT_FOREIGN] = ++evaluations;
  }
}

function callWatched<Result>(call: () => Result, where: () => string): Result {
  // The module may call its host, and that may call a module again: the outermost call is the one that is watched.
  const outer = place;
  if (outer === null) beat[BEAT_CALLS] = ++calls;
  place = where;
  try {
    return asModuleErrors(call, where);
  } finally {
    place = outer;
    if (outer === null) {
      beat[BEAT_CALLS] = ++calls;
      returned?.();
    }
  }
}

function asModuleErrors<Result>(call: () => Result, where: () => string): Result {
  try {
    return call();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ModuleError(`the module failed: ${message} (${where()})`, { cause: error });
  }
}

/** Lets other threads see the heartbeat of all calls that begin from now on. Not to be called while one is under way. */
export function shareHeartbeat(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(BEAT_WORDS * Int32Array.BYTES_PER_ELEMENT);
  beat = new Int32Array(memory);
  beat[BEAT_CALLS] = calls;
  beat[BEAT_FOREIGN] = evaluations;
  return memory;
}

/** Where in the events the call stands that has this number; null when it has returned. */
export function placeOfCall(call: number): string | null {
  return call === calls && place !== null ? place() : null;
}

/** Is called once, when the call that is under way returns. */
export function whenReturned(act: () => void): void {
  returned = () => {
    returned = null;
    act();
  };
}
