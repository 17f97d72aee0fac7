// A manifest's bytes, the signatures beside it and the keys that are trusted -> the signature that counts, or why none does.
// The format is stdlib/src/package-format.ts.
//
// INVARIANT: what stands in a signature file is believed only where the signature covers it: the manifest and the expiry.

import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import {
  KEY_ID_DIGITS,
  type ManifestSignature,
  SIGNATURE_ALGORITHM,
  SIGNATURE_FILE,
  SIGNATURE_VERSION,
  signedText,
} from "@kestrel/stdlib/package-format";
import { type Fail, isObject, nameOf } from "./json-shape.js";
import type { Report } from "./problems.js";

/** A public key whose signatures are believed. */
export interface TrustedKey {
  readonly id: string;
  readonly key: KeyObject;
}

/** Who must have signed a package that is loaded: one of these keys. Without any no package is loaded. */
export interface Trust {
  readonly keys: readonly TrustedKey[];
  /** What time it is, in milliseconds since 1970; the clock's when absent. */
  readonly now?: () => number;
}

/** The signature for which a package was believed. */
export interface Signer {
  readonly keyId: string;
  readonly expires: string | null;
}

const KEY_ID = new RegExp(`^[0-9a-f]{${KEY_ID_DIGITS}}$`);
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** Reads a public key as `openssl pkey -pubout` writes it. Throws Error for what is no public Ed25519 key. */
export function readTrustedKey(pem: string | Uint8Array): TrustedKey {
  const text = Buffer.from(pem).toString("latin1");
  if (text.includes("PRIVATE KEY")) {
    throw new Error("holds a private key, which belongs to who signs; make the public one: openssl pkey -pubout");
  }
  // Only the first would be taken, and who has signed with the second would be told that nobody trusts it.
  if (text.split("-----BEGIN ").length > 2) throw new Error("holds several keys; name a file for each of them");
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch (error) {
    throw new Error("holds no public key in PEM that can be read", { cause: error });
  }
  if (key.asymmetricKeyType !== SIGNATURE_ALGORITHM) {
    throw new Error(`holds a key of type ${key.asymmetricKeyType}; packages are signed with Ed25519`);
  }
  const der = key.export({ type: "spki", format: "der" });
  return { id: createHash("sha256").update(der).digest("hex").slice(0, KEY_ID_DIGITS), key };
}

/** The signature of a trusted key that is good now; null, with reasons reported. `file` is null where there is no signature file. */
export function verifySignature(
  manifest: Uint8Array,
  file: Uint8Array | null,
  trust: Trust,
  report: Report,
): Signer | null {
  if (file === null) {
    report("E_PACKAGE_UNSIGNED", SIGNATURE_FILE, "is missing: the package is not signed");
    return null;
  }
  const signatures = readSignatures(file, report);
  if (signatures === null) return null;
  const keys = new Map(trust.keys.map(({ id, key }) => [id, key]));
  const known = signatures.filter(({ key_id: id }) => keys.has(id));
  if (known.length === 0) {
    report("E_PACKAGE_KEY", SIGNATURE_FILE, noKeyMessage(signatures, trust));
    return null;
  }
  const digest = createHash("sha256").update(manifest).digest("hex");
  const now = (trust.now ?? Date.now)();
  const refusals: Parameters<Report>[] = [];
  for (const { key_id: id, algorithm, expires, signature } of known) {
    const key = keys.get(id);
    const text = Buffer.from(signedText(digest, expires));
    if (algorithm !== SIGNATURE_ALGORITHM) {
      refusals.push([
        "E_PACKAGE_SIGNATURE",
        SIGNATURE_FILE,
        `${id} signs with ${algorithm}, not ${SIGNATURE_ALGORITHM}`,
      ]);
    } else if (key === undefined || !verify(null, text, key, Buffer.from(signature, "base64"))) {
      const message = `the signature of ${id} is not of this manifest: one of the two was changed after it was signed`;
      refusals.push(["E_PACKAGE_SIGNATURE", SIGNATURE_FILE, message]);
    } else if (expires !== null && Date.parse(expires) <= now) {
      refusals.push(["E_PACKAGE_EXPIRED", SIGNATURE_FILE, `the signature of ${id} was good until ${expires}`]);
    } else return { keyId: id, expires };
  }
  for (const refusal of refusals) report(...refusal);
  return null;
}

function noKeyMessage(signatures: readonly ManifestSignature[], { keys }: Trust): string {
  if (keys.length === 0) return "no key is trusted, so that no signature counts";
  const signers = signatures.map(({ key_id: id }) => id).join(", ");
  const by = signers === "" ? "holds no signature" : `the package was signed by ${signers}, which is not trusted`;
  return `${by}; trusted are ${keys.map(({ id }) => id).join(", ")}`;
}

/** The signatures of a file, each of another key; null, with reasons reported. */
function readSignatures(bytes: Uint8Array, report: Report): readonly ManifestSignature[] | null {
  let failures = 0;
  const fail: Fail = (path, message) => {
    failures++;
    report("E_PACKAGE_SIGNATURE", SIGNATURE_FILE, path === "" ? message : `${path}: ${message}`);
  };
  const signatures = checkFile(bytes, fail);
  return failures === 0 ? signatures : null;
}

function checkFile(bytes: Uint8Array, fail: Fail): readonly ManifestSignature[] {
  let file: unknown;
  try {
    file = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    fail("", "is not JSON");
    return [];
  }
  if (!isObject(file)) {
    fail("", `expected an object, found ${nameOf(file)}`);
    return [];
  }
  if (file.signature_version !== SIGNATURE_VERSION) {
    const found = JSON.stringify(file.signature_version) ?? "nothing";
    fail("", `signature_version is ${found}; this runtime reads "${SIGNATURE_VERSION}"`);
    return [];
  }
  if (!Array.isArray(file.signatures)) {
    fail("signatures", `expected an array, found ${nameOf(file.signatures)}`);
    return [];
  }
  const seen = new Set<string>();
  const entries: readonly unknown[] = file.signatures;
  return entries.flatMap((entry, at) => checkEntry(entry, `signatures[${at}]`, seen, fail));
}

function checkEntry(entry: unknown, path: string, seen: Set<string>, fail: Fail): ManifestSignature[] {
  if (!isObject(entry)) {
    fail(path, `expected an object, found ${nameOf(entry)}`);
    return [];
  }
  const { key_id: id, algorithm, expires, signature } = entry;
  if (typeof id !== "string" || !KEY_ID.test(id)) {
    fail(`${path}.key_id`, `expected ${KEY_ID_DIGITS} hexadecimal digits`);
    return [];
  }
  // Which of the two counts would be for whoever wrote the second to say.
  if (seen.has(id)) fail(path, `a second signature of ${id}`);
  seen.add(id);
  if (expires !== null && (typeof expires !== "string" || !MOMENT.test(expires) || Number.isNaN(Date.parse(expires)))) {
    fail(`${path}.expires`, "expected a moment such as 2027-01-31T00:00:00Z, or null");
    return [];
  }
  if (typeof algorithm !== "string" || typeof signature !== "string") {
    fail(path, "expected an algorithm and a signature, both strings");
    return [];
  }
  return [{ key_id: id, algorithm, expires, signature }];
}
