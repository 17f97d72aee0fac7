// What the command line says of keys -> whose signatures a package must have.

import { readFileSync } from "node:fs";
import { Option } from "commander";
import { readTrustedKey, type Trust } from "../load/verify-signature.js";
import { CliError } from "./failures.js";

export interface TrustFlags {
  readonly trust?: readonly string[];
  readonly requireSignature?: boolean;
}

export function trustOptions(): Option[] {
  return [
    new Option(
      "--trust <file>",
      "public Ed25519 key in PEM: only a package that it has signed is taken; can be given several times, and one is enough",
    ).argParser((file: string, before: readonly string[] = []) => [...before, file]),
    new Option(
      "--require-signature",
      "take no package without a signature of a trusted key, also where no --trust is given",
    ),
  ];
}

/** undefined where nobody asks for a signature. Throws CliError for a key that cannot be used. */
export function readTrust({ trust = [], requireSignature = false }: TrustFlags): Trust | undefined {
  if (trust.length === 0 && !requireSignature) return undefined;
  const keys = trust.map((file) => {
    try {
      return readTrustedKey(readFileSync(file));
    } catch (error) {
      const reason = error instanceof Error ? error.message.replace(/, \w+( '.*')?$/s, "") : String(error);
      throw new CliError("E_TRUST_KEY", `--trust ${file}: ${reason}`, { cause: error });
    }
  });
  return { keys };
}
