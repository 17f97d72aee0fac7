// A path and what paths must begin with -> whether it passes, as `Demand.paths` of package-format.ts has it.

/**
 * Whether a path (its bytes) begins with one of the prefixes. ASCII letters count as their lower case. Where the first difference is a
 * byte beyond ASCII the path passes: folded, it may be a letter of ASCII (the long s is an s).
 */
export function passesPrefixes(path: Uint8Array, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => passes(path, prefix));
}

function passes(path: Uint8Array, prefix: string): boolean {
  for (let at = 0; at < prefix.length; at++) {
    const byte = path[at];
    if (byte === undefined) return false;
    if (lower(byte) !== prefix.charCodeAt(at)) return byte >= 0x80;
  }
  return true;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
