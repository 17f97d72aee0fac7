// Calls into a module -> their results, or one kind of error; and what a thread beside this one can see of them.
//
// The heartbeat is an Int32Array of BEAT_WORDS words in memory that can be shared. Its BEAT_CALLS grows by one when a call begins and
// when it ends, so it is odd while one is under way, and stays the same while that one does not return.

export const BEAT_CALLS = 0;
export const BEAT_WORDS = 1;

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
/** Where the call that is under way stands in the events; null while there is none. */
let place: (() => string) | null = null;
let returned: (() => void) | null = null;

/** Calls into the module; what that throws becomes a {@link ModuleError} that says where in the events it was. */
export function callModule<Result>(call: () => Result, where: () => string): Result {
  // The module may call its host, and that may call a module again: the outermost call is the one that is watched.
  const outer = place;
  if (outer === null) beat[BEAT_CALLS] = ++calls;
  place = where;
  try {
    return call();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ModuleError(`the module failed: ${message} (${where()})`, { cause: error });
  } finally {
    place = outer;
    if (outer === null) {
      beat[BEAT_CALLS] = ++calls;
      returned?.();
    }
  }
}

/** Lets other threads see the heartbeat of all calls that begin from now on. Not to be called while one is under way. */
export function shareHeartbeat(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(BEAT_WORDS * Int32Array.BYTES_PER_ELEMENT);
  beat = new Int32Array(memory);
  beat[BEAT_CALLS] = calls;
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
