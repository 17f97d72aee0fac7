import type { ForeignHost, ForeignInstance, Limits } from "./foreign-host.js";
export function createWasmInstance(_module: unknown, _host: ForeignHost, _limits: Limits): ForeignInstance {
  throw new Error("to come");
}
