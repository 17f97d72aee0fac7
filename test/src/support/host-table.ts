// The table of the Host API as docs/host-api.md prints it.

import { HOST_FUNCTIONS } from "@kestrel/stdlib/host-api";

/** One line for each function. */
export function hostTable(): string {
  return HOST_FUNCTIONS.map(({ name, since, parameters, result, lua, says }) => {
    const wasm = `(${parameters.map((one) => `${one.name} ${one.type}`).join(", ")}) -> ${result}`;
    return `| \`${name}\` | ${since} | \`${wasm}\` | \`(${lua.parameters.join(", ")}) -> ${lua.result}\` | ${says} |`;
  }).join("\n");
}
