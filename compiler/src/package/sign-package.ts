// A package in its folder and private keys -> signatures beside its manifest. The format is stdlib/src/package-format.ts.
//
// INVARIANT: of each key there is one signature, the last that was made; those of other keys stay while they are of this manifest.

import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { lstatSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  KEY_ID_DIGITS,
  type ManifestSignature,
  SIGNATURE_ALGORITHM,
  SIGNATURE_FILE,
  SIGNATURE_VERSION,
  type SignatureFile,
  signedText,
} from "@kestrel/stdlib/package-format";
import { reasonOf } from "../sources/walk-files.js";
import { placeBeside } from "./replace-package.js";

/** A package that was not signed, or a key that cannot sign. */
export class SigningError extends Error {
  readonly code: "E_SIGN_KEY" | "E_SIGN_PACKAGE";
  constructor(code: SigningError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SigningError";
    this.code = code;
  }
}

export interface SigningKey {
  readonly id: string;
  readonly key: KeyObject;
}

/** Reads a private key as `openssl genpkey -algorithm ed25519` writes it. Throws {@link SigningError}. */
export function readSigningKey(file: string): SigningKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(file));
  } catch (error) {
    throw new SigningError("E_SIGN_KEY", `${file} is no private key in PEM that can be read: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  if (key.asymmetricKeyType !== SIGNATURE_ALGORITHM) {
    const message = `${file} is a key of type ${key.asymmetricKeyType}; packages are signed with Ed25519: openssl genpkey -algorithm ed25519`;
    throw new SigningError("E_SIGN_KEY", message);
  }
  return { id: keyId(createPublicKey(key)), key };
}

function keyId(publicKey: KeyObject): string {
  return sha256(publicKey.export({ type: "spki", format: "der" })).slice(0, KEY_ID_DIGITS);
}

/**
 * Signs the package in `folder`, whose digest is `digest`, with every key; `expires` is a moment as package-format.ts has it, or null.
 * Returns the signatures that stand there then. Throws {@link SigningError}.
 */
export function signPackage(
  folder: string,
  digest: string,
  keys: readonly SigningKey[],
  expires: string | null,
): readonly ManifestSignature[] {
  let signatures: readonly ManifestSignature[] = [];
  try {
    placeBeside(folder, SIGNATURE_FILE, (manifest) => {
      // Another build may have come since the package was looked at.
      if (digestOf(manifest) !== digest) throw new Error("another package has taken its place meanwhile");
      signatures = withSignatures(standing(folder), manifest, keys, expires);
      const file: SignatureFile = { signature_version: SIGNATURE_VERSION, signatures };
      return `${JSON.stringify(file, null, 2)}\n`;
    });
  } catch (error) {
    throw new SigningError("E_SIGN_PACKAGE", `cannot sign the package in ${folder}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  return signatures;
}

function withSignatures(
  before: readonly ManifestSignature[],
  manifest: Uint8Array,
  keys: readonly SigningKey[],
  expires: string | null,
): readonly ManifestSignature[] {
  const text = Buffer.from(signedText(sha256(manifest), expires));
  const all = new Map(before.map((old) => [old.key_id, old]));
  for (const { id, key } of keys) {
    const signature = sign(null, text, key);
    if (!verify(null, text, createPublicKey(key), signature)) throw new Error(`the key ${id} does not sign`);
    all.set(id, { key_id: id, algorithm: SIGNATURE_ALGORITHM, expires, signature: signature.toString("base64") });
  }
  return [...all.values()].sort((a, b) => (a.key_id < b.key_id ? -1 : 1));
}

/** The signatures that stand there. A file that is none of ours is not silently replaced. */
function standing(folder: string): readonly ManifestSignature[] {
  const path = join(folder, SIGNATURE_FILE);
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return [];
  // A pipe in its place would be waited for without end.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new Error(`${SIGNATURE_FILE} is no regular file; remove it to begin anew`);
  }
  let file: Partial<SignatureFile> | null = null;
  try {
    file = JSON.parse(readFileSync(path, "utf8")) as Partial<SignatureFile> | null;
  } catch {
    // Said below.
  }
  const { signature_version: version, signatures } = file ?? {};
  const isSound = (entry: Partial<ManifestSignature> | null): boolean =>
    typeof entry?.key_id === "string" && typeof entry.signature === "string";
  if (version !== SIGNATURE_VERSION || !Array.isArray(signatures) || !signatures.every(isSound)) {
    throw new Error(
      `${SIGNATURE_FILE} is no file of signatures, version ${SIGNATURE_VERSION}; remove it to begin anew`,
    );
  }
  return signatures;
}

function digestOf(manifest: Uint8Array): unknown {
  const value = JSON.parse(Buffer.from(manifest).toString("utf8")) as { package?: { digest?: unknown } } | null;
  return value?.package?.digest;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
