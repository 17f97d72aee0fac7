// `npm run demo`: compiles the rules in rules/ into a package and runs it over a recorded intrusion. What is printed
// behind the dollar sign works in a shell too, at the root of the repository.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

const COMMANDS = [
  ["eqlc", "compiler/bin/eqlc.js", "build rules -o examples/dist"],
  [
    "kestrel-run",
    "runtime/bin/kestrel-run.js",
    "examples/dist --replay examples/story/web-server-intrusion.ndjson --format text --lateness 5s",
  ],
];

for (const [name, file, options] of COMMANDS) {
  console.log(`$ npx ${name} ${options}`);
  const { status, signal } = spawnSync(process.execPath, [file, ...options.split(" ")], {
    cwd: ROOT,
    stdio: "inherit",
  });
  if (status !== 0 || signal !== null) process.exit(status || 1);
}
