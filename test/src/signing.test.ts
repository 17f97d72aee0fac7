// Signatures of packages: eqlc makes them with keys as OpenSSL writes them, and kestrel-run takes what a trusted key has signed and
// nothing else.

import { execFileSync, spawnSync } from "node:child_process";
import { createHash, generateKeyPairSync } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expiryOf } from "@kestrel/compiler/cli/sign";
import { replacePackage } from "@kestrel/compiler/package/replace-package";
import { loadPackage, PackageError, readTrustedKey, type Trust } from "@kestrel/runtime/index";
import {
  type ManifestSignature,
  manifestText,
  type PackageManifest,
  type SignatureFile,
  signedText,
} from "@kestrel/stdlib/package-format";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { EVERY_KIND, fakePack, withDigest } from "./support/fake-pack.js";
import { repositoryRoot } from "./support/repository.js";

const signing = suite("signing");
const EQLC = fileURLToPath(new URL("../../compiler/bin/eqlc.js", import.meta.url));
const RUN = fileURLToPath(new URL("../../runtime/bin/kestrel-run.js", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "kestrel-sign-"));
signing.after(() => rmSync(root, { recursive: true, force: true }));
const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

const at = (name: string): string => join(root, name);

/** Writes NAME.pem and NAME.pub, by OpenSSL where there is one. */
function makeKey(name: string): void {
  if (hasOpenssl) {
    const made = spawnSync("openssl", ["genpkey", "-algorithm", "ed25519", "-out", at(`${name}.pem`)]);
    const shown = spawnSync("openssl", ["pkey", "-in", at(`${name}.pem`), "-pubout", "-out", at(`${name}.pub`)]);
    assert.equal([made.status, shown.status], [0, 0]);
    return;
  }
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  writeFileSync(at(`${name}.pem`), privateKey.export({ type: "pkcs8", format: "pem" }));
  writeFileSync(at(`${name}.pub`), publicKey.export({ type: "spki", format: "pem" }));
}

signing.before(async () => {
  const { manifest, module } = await fakePack(EVERY_KIND);
  mkdirSync(at("pack"));
  writeFileSync(at("pack/manifest.json"), manifestText(manifest));
  writeFileSync(at("pack/module.wasm"), module);
  for (const name of ["one", "two", "other"]) makeKey(name);
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  writeFileSync(at("rsa.pem"), rsa.privateKey.export({ type: "pkcs8", format: "pem" }));
  writeFileSync(at("rsa.pub"), rsa.publicKey.export({ type: "spki", format: "pem" }));
  writeFileSync(at("events.ndjson"), '{"t":1000,"p":"0"}\n');
});

function run(bin: string, ...parameters: readonly string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...parameters], { encoding: "utf8", cwd: root });
  assert.not.match(stderr, /^\s+at /m);
  return { code: status, stdout, stderr };
}

let copies = 0;
/** A copy of the package, signed with these keys. */
function signed(keys: readonly string[], ...more: readonly string[]): string {
  const dir = `signed-${copies++}`;
  cpSync(at("pack"), at(dir), { recursive: true });
  if (keys.length > 0) {
    const { code, stderr } = run(EQLC, "sign", dir, "--key", ...keys.map((key) => `${key}.pem`), ...more);
    assert.is(code, 0, stderr);
  }
  return dir;
}

const signatureFile = (dir: string): string => join(root, dir, "manifest.sig");

function signatures(dir: string): readonly ManifestSignature[] {
  return (JSON.parse(readFileSync(signatureFile(dir), "utf8")) as SignatureFile).signatures;
}

function writeSignatures(dir: string, all: readonly unknown[]): void {
  writeFileSync(signatureFile(dir), JSON.stringify({ signature_version: "1.0", signatures: all }));
}

function trust(names: readonly string[], now?: string): Trust {
  const keys = names.map((name) => readTrustedKey(readFileSync(at(`${name}.pub`))));
  return now === undefined ? { keys } : { keys, now: () => Date.parse(now) };
}

/** Each problem as `code file: message`. */
async function problems(dir: string, whom: Trust): Promise<string[]> {
  try {
    await loadPackage(at(dir), { trust: whom });
    return [];
  } catch (error) {
    if (!(error instanceof PackageError)) throw error;
    return error.problems.map(({ code, file, message }) => `${code} ${file}: ${message}`);
  }
}

const idOf = (name: string): string => readTrustedKey(readFileSync(at(`${name}.pub`))).id;

signing("one of several trusted keys is enough, and says who it was", async () => {
  const dir = signed(["one", "two"]);
  for (const names of [["one"], ["two"], ["other", "two"]]) {
    const { signer } = await loadPackage(at(dir), { trust: trust(names) });
    assert.equal(signer, { keyId: idOf(names.at(-1) ?? ""), expires: null });
  }
  const ran = run(RUN, dir, "--trust", "other.pub", "--trust", "one.pub", "--replay", "events.ndjson");
  assert.is(ran.code, 0);
  assert.match(ran.stderr, /^1 event,/);
  assert.match(
    run(RUN, "validate", dir, "--trust", "one.pub").stdout,
    new RegExp(`signed +by ${idOf("one")}, for good`),
  );
  const json = JSON.parse(run(RUN, "validate", dir, "--trust", "one.pub", "--format", "json").stdout) as object;
  assert.equal((json as { signed_by?: unknown }).signed_by, { key_id: idOf("one"), expires: null });
  assert.is(run(RUN, "list", dir, "--trust", "other.pub").code, 2);
});

signing("the key's id is the beginning of the SHA-256 of its public key", () => {
  const der = Buffer.from(
    readFileSync(at("one.pub"), "utf8")
      .replace(/-----[^-]+-----/g, "")
      .replaceAll("\n", ""),
    "base64",
  );
  assert.is(idOf("one"), createHash("sha256").update(der).digest("hex").slice(0, 32));
  assert.match(run(EQLC, "sign", signed([]), "--key", "one.pem").stderr, new RegExp(`key {2}${idOf("one")}`));
});

signing("what nobody signed whom one trusts is refused, each with its reason", async () => {
  assert.equal(await problems(signed([]), trust(["one"])), [
    "E_PACKAGE_UNSIGNED manifest.sig: is missing: the package is not signed",
  ]);
  assert.equal(await problems(signed(["one"]), trust(["two", "other"])), [
    `E_PACKAGE_KEY manifest.sig: the package was signed by ${idOf("one")}, which is not trusted; trusted are ${idOf("two")}, ${idOf("other")}`,
  ]);
  const refused = run(RUN, signed([]), "--trust", "one.pub", "--replay", "events.ndjson");
  assert.equal([refused.code, refused.stdout], [2, ""]);
  assert.match(refused.stderr, /^error\[E_PACKAGE_UNSIGNED\]/);
  // A script whose list of keys came out empty must not run everything.
  const unsigned = run(RUN, signed([]), "--require-signature", "--replay", "events.ndjson");
  assert.match(unsigned.stderr, /^error\[E_PACKAGE_UNSIGNED\]/);
  const nobody = run(RUN, signed(["one"]), "--require-signature", "--replay", "events.ndjson");
  assert.match(nobody.stderr, /^error\[E_PACKAGE_KEY\]: manifest\.sig: no key is trusted/);
  assert.is(run(RUN, signed(["one"]), "--replay", "events.ndjson").code, 0);
});

signing(
  "a package that was changed after it was signed, digests recomputed, is refused before it is read",
  async () => {
    const dir = signed(["one"]);
    const module = readFileSync(join(root, dir, "module.wasm"));
    const path = join(root, dir, "manifest.json");
    const manifest = JSON.parse(readFileSync(path, "utf8")) as PackageManifest;
    const last = module.length - 1;
    module[last] = (module[last] ?? 0) ^ 1;
    writeFileSync(join(root, dir, "module.wasm"), module);
    const sha256 = createHash("sha256").update(module).digest("hex");
    const files = manifest.files.map((file) => (file.path === "module.wasm" ? { ...file, sha256 } : file));
    writeFileSync(path, manifestText(withDigest({ ...manifest, files })));
    const expected = `E_PACKAGE_SIGNATURE manifest.sig: the signature of ${idOf("one")} is not of this manifest: one of the two was changed after it was signed`;
    assert.equal(await problems(dir, trust(["one"])), [expected]);
    // Of what is not signed not even the syntax is looked at.
    writeFileSync(path, "{");
    assert.equal(await problems(dir, trust(["one"])), [expected]);
    // A space is no change to what the manifest says, but to its bytes.
    const spaced = signed(["one"]);
    writeFileSync(join(root, spaced, "manifest.json"), `${readFileSync(at("pack/manifest.json"), "utf8")} `);
    assert.equal(await problems(spaced, trust(["one"])), [expected]);
  },
);

signing("a signature ends when it says so, and nobody can say another moment", async () => {
  const dir = signed(["one"], "--expires", "2090-01-31");
  assert.is(signatures(dir)[0]?.expires, "2090-02-01T00:00:00Z");
  assert.equal(await problems(dir, trust(["one"], "2090-01-31T23:59:59Z")), []);
  assert.equal(await problems(dir, trust(["one"], "2090-02-01T00:00:00Z")), [
    `E_PACKAGE_EXPIRED manifest.sig: the signature of ${idOf("one")} was good until 2090-02-01T00:00:00Z`,
  ]);
  for (const expires of ["2091-01-01T00:00:00Z", null]) {
    const [entry] = signatures(dir);
    writeSignatures(dir, [{ ...entry, expires }]);
    assert.match((await problems(dir, trust(["one"]))).join(), /^E_PACKAGE_SIGNATURE .*is not of this manifest/);
  }
  // Where one is over and another is not, the other counts.
  const both = signed(["one"], "--expires", "1");
  assert.is(run(EQLC, "sign", both, "--key", "two.pem").code, 0);
  assert.equal(await problems(both, trust(["one", "two"], "2090-01-01T00:00:00Z")), []);
  assert.match((await problems(both, trust(["one"], "2090-01-01T00:00:00Z"))).join(), /^E_PACKAGE_EXPIRED/);
  const now = Date.parse("2026-11-28T10:00:00Z");
  assert.equal([expiryOf("1", now), expiryOf("2026-11-28", now)], ["2026-11-29T10:00:00Z", "2026-11-29T00:00:00Z"]);
  for (const bad of ["0", "2026-11-27", "2027-02-31", "tomorrow", "-1", "99999"]) {
    assert.throws(() => expiryOf(bad, now), /--expires/);
  }
});

signing("signing again replaces, and a doubled entry is refused", async () => {
  const dir = signed(["one", "two", "one"]);
  assert.is(run(EQLC, "sign", dir, "--key", "one.pem", "--expires", "9").code, 0);
  const all = signatures(dir);
  assert.equal(
    all.map(({ key_id: id }) => id),
    [idOf("one"), idOf("two")].sort(),
  );
  assert.is(all.filter(({ expires }) => expires === null).length, 1);
  writeSignatures(dir, [...all, all[0]]);
  const doubled = `E_PACKAGE_SIGNATURE manifest.sig: signatures[2]: a second signature of ${all[0]?.key_id}`;
  assert.equal(await problems(dir, trust(["one"])), [doubled]);
  assert.equal(await problems(dir, trust(["other"])), [doubled]);
});

signing("a signature file that is none is refused whatever is in it", async () => {
  const dir = signed(["one"]);
  const [entry] = signatures(dir);
  const files = ["", "[]", "null", "{}", '{"signature_version":"2.0","signatures":[]}', '{"signature_version":"1.0"}'];
  for (const text of [...files, `${readFileSync(signatureFile(dir), "utf8")}}`, "\xff", `"${"x".repeat(2 ** 20)}"`]) {
    writeFileSync(signatureFile(dir), text);
    const found = await problems(dir, trust(["one"]));
    assert.match(found.join("\n"), /^E_PACKAGE_SIGNATURE manifest\.sig: /, text.slice(0, 80));
  }
  const changes = [{ key_id: "x" }, { key_id: 5 }, { signature: null }, { signature: "" }, { signature: "AAAA" }];
  for (const change of [...changes, { algorithm: "none" }, { algorithm: 1 }, { expires: "never" }, { expires: 1e12 }]) {
    writeSignatures(dir, [{ ...entry, ...change }]);
    const found = await problems(dir, trust(["one"]));
    assert.match(found.join("\n"), /^E_PACKAGE_SIGNATURE manifest\.sig: /, JSON.stringify(change));
  }
  writeSignatures(dir, []);
  assert.match((await problems(dir, trust(["one"]))).join(), /^E_PACKAGE_KEY .*holds no signature/);
  writeSignatures(dir, [null, 5]);
  assert.is((await problems(dir, trust(["one"]))).length, 2);
  rmSync(signatureFile(dir));
  mkdirSync(signatureFile(dir));
  assert.equal(await problems(dir, trust(["one"])), ["E_PACKAGE_SIGNATURE manifest.sig: not a file"]);
  // eqlc does not write over what it does not know.
  writeFileSync(join(root, signed([]), "manifest.sig"), "mine");
  const kept = run(EQLC, "sign", `signed-${copies - 1}`, "--key", "one.pem");
  assert.equal([kept.code, readFileSync(join(root, `signed-${copies - 1}`, "manifest.sig"), "utf8")], [2, "mine"]);
});

signing("a pipe in the place of the signatures is not waited for", () => {
  cpSync(at("pack"), at("piped"), { recursive: true });
  execFileSync("mkfifo", [at("piped/manifest.sig")]);
  const { status, stderr } = spawnSync(process.execPath, [EQLC, "sign", "piped", "--key", "one.pem"], {
    encoding: "utf8",
    cwd: root,
    timeout: 60_000,
  });
  assert.is(status, 2, stderr);
  assert.match(stderr, /manifest\.sig is no regular file; remove it to begin anew/);
  rmSync(at("piped"), { recursive: true });
});

signing("keys that cannot sign or be trusted are named", () => {
  const dir = signed([]);
  const keyProblems = [
    ["rsa.pem", /^error\[E_SIGN_KEY\]: rsa\.pem is a key of type rsa; packages are signed with Ed25519/],
    ["one.pub", /^error\[E_SIGN_KEY\]: one\.pub is no private key/],
    ["none.pem", /^error\[E_SIGN_KEY\]: none\.pem .*no such file/],
  ] as const;
  for (const [key, message] of keyProblems) {
    const { code, stderr } = run(EQLC, "sign", dir, "--key", "one.pem", key);
    assert.is(code, 2);
    assert.match(stderr, message);
    assert.not.ok(existsSync(signatureFile(dir)), "one bad key, and nothing is signed");
  }
  writeFileSync(at("both.pub"), readFileSync(at("one.pub"), "utf8") + readFileSync(at("other.pub"), "utf8"));
  const trustProblems = [
    ["rsa.pub", /^error\[E_TRUST_KEY\]: --trust rsa\.pub: holds a key of type rsa/],
    ["one.pem", /^error\[E_TRUST_KEY\]: --trust one\.pem: holds a private key/],
    ["events.ndjson", /^error\[E_TRUST_KEY\]: .*no public key/],
    ["none.pub", /^error\[E_TRUST_KEY\]: .*no such file/],
    ["both.pub", /^error\[E_TRUST_KEY\]: --trust both\.pub: holds several keys/],
  ] as const;
  for (const [key, message] of trustProblems) {
    const { code, stderr } = run(RUN, "validate", dir, "--trust", key);
    assert.is(code, 2);
    assert.match(stderr, message);
  }
  assert.is(run(EQLC, "sign", dir).code, 3);
  assert.is(run(EQLC, "sign", dir, "--key", "one.pem", "--expires", "0").code, 3);
});

signing("a package that does not pass the loader is not signed", () => {
  const dir = signed([]);
  writeFileSync(join(root, dir, "module.wasm"), "");
  const { code, stderr } = run(EQLC, "sign", dir, "--key", "one.pem");
  assert.is(code, 2);
  assert.match(stderr, /^error\[E_SIGN_PACKAGE\]: .*E_PACKAGE_FILE module\.wasm/);
  assert.not.ok(existsSync(signatureFile(dir)));
});

signing("the signature goes with the manifest it is of: another package drops it, the same one keeps it", async () => {
  const dir = signed(["one"]);
  const contents = (manifest: PackageManifest): Map<string, Uint8Array> =>
    new Map([
      ["manifest.json", Buffer.from(manifestText(manifest))],
      ["module.wasm", readFileSync(at("pack/module.wasm"))],
    ]);
  const manifest = JSON.parse(readFileSync(at("pack/manifest.json"), "utf8")) as PackageManifest;
  replacePackage(at(dir), contents(manifest));
  assert.equal(await problems(dir, trust(["one"])), []);
  // A build that was broken off before the manifest was replaced has planned only.
  mkdirSync(join(root, dir, ".pending"));
  writeFileSync(join(root, dir, ".pending/plan.json"), '["manifest.sig"]');
  writeFileSync(join(root, dir, ".pending/manifest.json"), "{");
  assert.is(run(EQLC, "sign", dir, "--key", "two.pem").code, 0);
  assert.equal(await problems(dir, trust(["one"])), []);
  const other = withDigest({ ...manifest, package: { ...manifest.package, version: "9.9.9" } });
  replacePackage(at(dir), contents(other));
  assert.equal(readdirSync(at(dir)).sort(), ["manifest.json", "module.wasm"]);
  // One that was broken off behind it has left the old signatures to the next.
  writeFileSync(signatureFile(dir), "of the old manifest");
  mkdirSync(join(root, dir, ".pending"));
  writeFileSync(join(root, dir, ".pending/plan.json"), '["manifest.sig"]');
  assert.is(run(EQLC, "sign", dir, "--key", "two.pem").code, 0);
  assert.equal(await problems(dir, trust(["two"])), []);
});

signing("the page on signing shows commands that run, the text that is signed, and every code", () => {
  const page = readFileSync(join(repositoryRoot(), "docs/signing.md"), "utf8");
  assert.ok(
    page.includes(
      `\`\`\`\n${signedText("<SHA>", "<WHEN>")}\`\`\``
        .replace("<SHA>", "<that of manifest.json, byte for byte>")
        .replace("<WHEN>", "<as in the file, or never>"),
    ),
  );
  const codes = ["UNSIGNED", "KEY", "SIGNATURE", "EXPIRED"].map((name) => `E_PACKAGE_${name}`);
  for (const code of [...codes, "E_TRUST_KEY", "E_SIGN_KEY", "E_SIGN_PACKAGE"])
    assert.ok(page.includes(`\`${code}\``), code);
  const [, block = ""] = /^```sh\n(.*?)^```/ms.exec(page) ?? [];
  const commands = block.split("\n").filter((line) => line !== "" && (hasOpenssl || !line.startsWith("openssl")));
  assert.ok(commands.length >= 3);
  if (!hasOpenssl) makeKey("release");
  if (!hasOpenssl) cpSync(at("release.pub"), at("release.pub.pem"));
  const rules = join(repositoryRoot(), "rules/linux/execution/reverse-shell-interpreter.yaml");
  cpSync(join(repositoryRoot(), "examples/story/web-server-intrusion.ndjson"), at("events.ndjson"));
  for (const shown of commands) {
    const command = shown
      .replace(/^eqlc build rules/, `eqlc build ${rules}`)
      .replace(/^eqlc/, `${process.execPath} ${EQLC}`)
      .replace(/^kestrel-run/, `${process.execPath} ${RUN}`);
    const { status, stderr } = spawnSync("bash", ["-c", command], { encoding: "utf8", cwd: root });
    assert.is(status, 0, `${shown}\n${stderr}`);
  }
});

signing.run();
