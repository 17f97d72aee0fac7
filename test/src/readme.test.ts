// What README.md shows can be typed: every eqlc and kestrel-run command in it runs and ends well.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { repositoryRoot } from "./support/repository.js";

const ROOT = repositoryRoot();
/** Where the commands write. */
const OUTPUT = "dist/";
const readme = suite("README");

/** The commands of all shell blocks that call one of our programs, without their comments. */
function shownCommands(): string[] {
  const text = readFileSync(join(ROOT, "README.md"), "utf8");
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = ""]) => block.replace(/\\\n/g, " "));
  const lines = blocks.flatMap((block) => block.split("\n"));
  return lines.filter((line) => line.startsWith("npx ")).map((line) => line.replace(/\s+#.*$/, ""));
}

readme("every command that it shows runs", () => {
  const folder = mkdtempSync(join(tmpdir(), "kestrel-readme-"));
  try {
    const commands = shownCommands();
    assert.ok(commands.length >= 5, `only ${commands.length} commands found`);
    for (const shown of commands) {
      const command = shown.replace(/^npx /, "node_modules/.bin/").replaceAll(OUTPUT, `${folder}/`);
      const { status, stdout, stderr } = spawnSync("bash", ["-c", command], { cwd: ROOT, encoding: "utf8" });
      assert.is(status, 0, `${shown}\n${stderr}`);
      assert.ok(stdout.length + stderr.length > 0, `${shown} said nothing`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

readme.run();
