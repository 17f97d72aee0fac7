// hasEnd: files end, pipes may not.

import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasEnd } from "@kestrel/runtime/read/has-end";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const folder = mkdtempSync(join(tmpdir(), "kestrel-has-end-"));
const file = join(folder, "file");
writeFileSync(file, "{}\n");

const ends = suite("hasEnd");

ends.after(() => rmSync(folder, { recursive: true }));

ends("is true of a regular file, and of nothing else", async () => {
  const fifo = join(folder, "fifo");
  execFileSync("mkfifo", [fifo]);
  assert.is(await hasEnd(file), true);
  assert.is(await hasEnd(fifo), false);
  assert.is(await hasEnd("/dev/null"), false);
  assert.is(await hasEnd(join(folder, "absent")), false);
});

ends("looks at what standard input is", () => {
  const code = 'const { hasEnd } = await import(process.argv[1]); process.stdout.write(String(await hasEnd("-")));';
  const module = import.meta.resolve("@kestrel/runtime/read/has-end");
  const ask = (stdin: number | "pipe"): string =>
    spawnSync(process.execPath, ["--input-type=module", "-e", code, module], {
      stdio: [stdin, "pipe", "inherit"],
      encoding: "utf8",
    }).stdout;
  const opened = openSync(file, "r");
  assert.is(ask(opened), "true");
  closeSync(opened);
  assert.is(ask("pipe"), "false");
});

ends.run();
