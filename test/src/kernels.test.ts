// What `npm run test:kernels` believes of a guest, and what it makes for one; the guests themselves are not booted here.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { writeCpio } from "./kernels/cpio-archive.js";
import { isImageOf, newestOf, packagesIn } from "./kernels/kernel-packages.js";
import { readSerial, verdictOf } from "./kernels/read-serial.js";
import { repositoryRoot } from "./support/repository.js";
import { writeSmallestProgram } from "./support/smallest-program.js";

const kernels = suite("kernels");
const folder = mkdtempSync(join(tmpdir(), "kestrel-kernels-"));
kernels.after(() => rmSync(folder, { recursive: true }));

const RELEASE = "6.1.0-50-cloud-amd64";

/** The serial line of a guest in which a file ended with a code and a line of counts. */
function serialOf(counted: string, code = 0): string {
  return [
    "\x1bc\x1b[2JBooting\r",
    `kestrel-guest: kernel ${RELEASE}\r`,
    "kestrel-guest: begin native-live\r",
    " native live  • • •\r",
    `${counted}\r`,
    `kestrel-guest: end native-live ${code}\r`,
    "kestrel-guest: up 81.20\r\n",
  ].join("\n");
}

function judge(serial: string, ended: string | null = null, files = ["native-live"]) {
  return verdictOf(readSerial(serial, files), ended, RELEASE);
}

kernels("a guest in which every test ran and passed has passed", () => {
  assert.equal(judge(serialOf("22 passed, 0 failed")), { passed: 22, failed: 0, wrong: [] });
});

kernels("a guest that failed, skipped, crashed, hung or ran too little has not", () => {
  const serial = serialOf("22 passed, 0 failed");
  const cut = serial.slice(0, serial.indexOf("22 passed"));
  const cases: readonly (readonly [wrong: RegExp, serial: string, ended?: string | undefined, files?: string[]])[] = [
    [/^$/, serialOf("20 passed, 2 failed", 1)],
    [/native-live: 1 were skipped/, serialOf("21 passed, 0 failed, 1 skipped")],
    [/native-live: 1 were skipped.*; 0 tests passed/, serialOf("0 passed, 0 failed, 1 skipped", 1)],
    [/^15 tests passed, and there are at least 16$/, serialOf("15 passed, 0 failed")],
    [/native-live: it ended with 1, and 22 passed/, serialOf("22 passed, 0 failed", 1)],
    [/native-live: it ended with 139, and counted nothing/, serialOf("Segmentation fault", 139)],
    [/native-live: it did not come to its end; the guest did not/, `${cut}Kernel panic - not syncing`],
    [/native-live: it was not begun; no kernel ran, /, "Booting"],
    [/^it wrote nothing for 240 s$/, serial, "it wrote nothing for 240 s"],
    [/^6\.2 ran, and not 6\.1/, serial.replace(RELEASE, "6.2")],
    [/^live: it was not begun$/, serial, undefined, ["native-live", "live"]],
  ];
  for (const [wrong, serial, ended, files] of cases) {
    const verdict = judge(serial, ended ?? null, files);
    assert.match(verdict.wrong.join("; "), wrong);
    assert.ok(verdict.failed > 0, String(wrong));
  }
});

kernels("what a test prints is not taken for what the guest prints", () => {
  const serial = serialOf("22 passed, 0 failed").replace("• • •", "kestrel-guest: end native-live 0");
  assert.is(judge(serial).passed, 22);
});

kernels("when a pinned kernel is gone the newest of its series is known, by numbers", () => {
  const stanza = (name: string, version: string): string =>
    `Package: ${name}\nVersion: ${version}\nSHA256: ${version}x\n`;
  const packages = packagesIn([stanza("a", "6.1.99-1"), stanza("b", "6.1.192-2"), "Package: c\n"].join("\n"));
  assert.equal(newestOf(packages), { package: "b", version: "6.1.192-2", sha256: "6.1.192-2x" });
  assert.is(newestOf([]), undefined);
  const pins = JSON.parse(readFileSync(join(repositoryRoot(), "native/kernels.json"), "utf8"));
  for (const [series, pin] of Object.entries<{ package: string; sha256: string }>(pins)) {
    assert.ok(isImageOf(series, pin.package));
    assert.match(pin.sha256, /^[0-9a-f]{64}$/);
  }
  for (const name of ["linux-image-6.12.1-cloud-amd64", "linux-image-6.1.0-50-cloud-amd64-dbg"])
    assert.not(isImageOf("6.1", name), name);
});

kernels("an archive holds what was put in, with the folders above it, once", () => {
  const from = join(folder, "from");
  writeFileSync(from, "abcde");
  const path = join(folder, "archive");
  const archive = writeCpio(path);
  archive.file("/a/b/file", { from }, 0o755);
  archive.file("/a/b/file", { text: "again" }, 0o644);
  archive.link("/a/link", "b/file");
  archive.characterDevice("/dev/console", 5, 1);
  archive.end();
  // Header, name and content each begin at a multiple of four.
  const bytes = readFileSync(path);
  const members: string[] = [];
  const up = (at: number): number => (at + 3) & ~3;
  for (let at = 0; at < bytes.length; ) {
    assert.is(bytes.toString("latin1", at, at + 6), "070701");
    const field = (index: number): number =>
      Number.parseInt(bytes.toString("latin1", at + 6 + index * 8, at + 14 + index * 8), 16);
    const name = at + 110;
    const content = up(name + field(11));
    const text = bytes.toString("utf8", content, content + field(6));
    members.push(`${bytes.toString("utf8", name, name + field(11) - 1)} ${field(1).toString(8)} ${field(9)} ${text}`);
    at = up(content + field(6));
  }
  assert.equal(members, [
    ...["a 40755 0 ", "a/b 40755 0 ", "a/b/file 100755 0 abcde", "a/link 120777 0 b/file"],
    ...["dev 40755 0 ", "dev/console 20600 5 ", "TRAILER!!! 0 0 "],
  ]);
});

if (process.platform === "linux") {
  kernels("the smallest program runs, and ends well", () => {
    assert.is(execFileSync(writeSmallestProgram(join(folder, "smallest")), { encoding: "utf8" }), "");
  });
}

kernels.run();
