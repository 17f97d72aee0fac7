// `sign`: a package and private keys to signatures beside its manifest. What is signed has passed the loader's checks first.

import { loadPackage } from "@kestrel/runtime/load/load-package";
import { PackageError } from "@kestrel/runtime/load/problems";
import { printable } from "../diagnostics/terminal-text.js";
import { readSigningKey, SigningError, signPackage } from "../package/sign-package.js";
import { EXIT_OK, UsageError } from "./failures.js";
import type { Format } from "./options.js";
import { print, say } from "./output.js";

export interface SignFlags {
  readonly key: readonly string[];
  /** A day, or a number of days. */
  readonly expires?: string;
  readonly format: Format;
}

const DAY_MS = 86_400_000;
const MOST_DAYS = 36_500;

/** Signs, and returns the exit code. Throws UsageError and SigningError. */
export async function sign(dir: string, flags: SignFlags): Promise<number> {
  const expires = flags.expires === undefined ? null : expiryOf(flags.expires, Date.now());
  const keys = flags.key.map(readSigningKey);
  const { manifest } = await loadPackage(dir, { whole: true }).catch((error: unknown) => {
    if (!(error instanceof PackageError)) throw error;
    throw new SigningError("E_SIGN_PACKAGE", `${dir} is not signed: ${error.message}`, { cause: error });
  });
  const signatures = signPackage(dir, manifest.package.digest, keys, expires);
  if (flags.format === "json") {
    const own = keys.map(({ id }, at) => ({ key_id: id, key: flags.key[at] }));
    await print([
      `${JSON.stringify({ ok: true, package: manifest.package, signed_with: own, expires, signatures })}\n`,
    ]);
    return EXIT_OK;
  }
  const { name, version } = manifest.package;
  say(printable(`signed ${name} ${version} in ${dir}, ${expires === null ? "for good" : `until ${expires}`}`));
  for (const [at, { id }] of keys.entries()) say(printable(`  key  ${id}  ${flags.key[at]}`));
  const others = signatures.length - new Set(keys.map(({ id }) => id)).size;
  if (others > 0) say(`  and ${others} of other keys as before`);
  return EXIT_OK;
}

/** The moment when a signature is over: so many days from now, or when the day that is named is over, in UTC. */
export function expiryOf(text: string, now: number): string {
  const days = /^\d+$/.test(text) ? Number(text) : null;
  const day = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  const end = days === null ? day + DAY_MS : now + days * DAY_MS;
  const isDay = days !== null || (!Number.isNaN(day) && new Date(day).toISOString().startsWith(text));
  if (!isDay || (days !== null && (days === 0 || days > MOST_DAYS))) {
    throw new UsageError(
      `--expires takes a day such as 2027-01-31, or a number of days up to ${MOST_DAYS}; not ${text}`,
    );
  }
  if (end <= now) throw new UsageError(`--expires ${text} is over already`);
  return new Date(end).toISOString().replace(/\.\d+Z$/, "Z");
}
