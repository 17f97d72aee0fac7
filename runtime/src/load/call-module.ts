// Calls into a module -> their results, or one kind of error.

/** The module failed, which a module that eqlc built does not do; what ran it cannot be used any more. */
export class ModuleError extends Error {
  readonly code = "E_MODULE_FAILED";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ModuleError";
  }
}

/** Calls into the module; what that throws becomes a {@link ModuleError} that says where in the events it was. */
export function callModule<Result>(call: () => Result, where: () => string): Result {
  try {
    return call();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ModuleError(`the module failed: ${message} (${where()})`, { cause: error });
  }
}
