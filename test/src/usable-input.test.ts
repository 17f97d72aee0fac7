// Inputs that are no use end with code 2 and the reason, and do not look like a run that found nothing.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createInputWatch } from "@kestrel/runtime/report/usable-input";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const EQLC = fileURLToPath(new URL("../../compiler/bin/eqlc.js", import.meta.url));
const RUN = fileURLToPath(new URL("../../runtime/bin/kestrel-run.js", import.meta.url));

const EVTX = '{"Event":{"#attributes":{"xmlns":"http://schemas.microsoft.com"},"System":{"EventID":4688}}}';
const ECMD =
  '{"PayloadData1":"x","EventId":4688,"Channel":"Security","Provider":"Microsoft-Windows-Security-Auditing"}';
const PROCESS = '{"event":{"category":["process"]},"process":{"name":"no.exe"}}';

const folder = mkdtempSync(join(tmpdir(), "kestrel-usable-"));
const pack = join(folder, "pack");
let written = 0;

function store(content: string): string {
  written += 1;
  const path = join(folder, `input-${written}`);
  writeFileSync(path, content);
  return path;
}

function run(paths: readonly string[], input = ""): { readonly status: number | null; readonly stderr: string } {
  return spawnSync(process.execPath, [RUN, pack, "--replay", ...paths], { input, encoding: "utf8" });
}

function problem(categories: readonly string[] | null, text: string, events: number, matched = 0): string | null {
  const watch = createInputWatch({ categoryField: "event.category", categories });
  for (const line of text.split("\n")) watch.look({ bytes: Buffer.from(`${line}\n`), file: "in" });
  return watch.problem({ events, matched });
}

const usable = suite("usable input");

usable.before(() => {
  const rule = join(folder, "rule.json");
  writeFileSync(
    rule,
    JSON.stringify([
      { id: "one", name: "one", language: "eql", query: 'process where process.name == "yes.exe"' },
      { id: "two", name: "two", language: "eql", query: 'sequence [file where file.name == "a"] [process where true]' },
    ]),
  );
  const built = spawnSync(process.execPath, [EQLC, "build", rule, "-o", pack], { encoding: "utf8" });
  assert.is(built.status, 0, built.stderr);
});

usable.after(() => rmSync(folder, { recursive: true }));

usable("fails where no line is an event, and says what the first line is", () => {
  for (const [text, hint] of [
    ["a,b,c\n1,2,3\n", "the first line is: a,b,c"],
    ["Record 1\n{\n}\n", "evtx_dump writes without -o jsonl"],
    ['<Event xmlns="x">\n', "This is XML"],
    ["[1, 2]\n", "Kestrel reads JSON"],
    ['{"not json}\n', '{"not json}'],
  ] as const) {
    const path = store(text);
    const ended = run([path]);
    assert.is(ended.status, 2, text);
    assert.match(ended.stderr, `error[E_INPUT_UNUSABLE]: no line of ${path} is an event`);
    assert.match(ended.stderr, hint);
  }
  const piped = run(["-"], "no JSON\n");
  assert.is(piped.status, 2);
  assert.match(piped.stderr, "no line of standard input is an event");
  const bad = store("\nno JSON\n");
  const among = run([store(`${PROCESS}\n`), bad]);
  assert.is(among.status, 2, "one of several");
  assert.match(among.stderr, `no line of ${bad} is an event; the first line is: no JSON`);
});

usable("fails where no event has a category that a rule asks for, and says whose output that is", () => {
  const other = '{"event":{"category":"registry"},"rule":{"category":"process"}}';
  for (const [text, hint] of [
    [EVTX, "These are Windows events as evtx_dump writes them"],
    [ECMD, "These are Windows events as a tool for EVTX files writes them"],
    ['{"process":{"name":"yes.exe"}}', "It has no field event.category"],
    [other, other],
  ] as const) {
    const ended = run([store(`${text}\n`)]);
    assert.is(ended.status, 2, text);
    assert.match(ended.stderr, "no event has a category that a rule asks for (event.category: file, process)");
    assert.match(ended.stderr, hint);
  }
});

usable("is content with one event of a category that is asked for, and with an empty input", () => {
  for (const text of [
    PROCESS,
    '{"event.category":"file"}',
    '{"event":{"category":["registry","\\u0070rocess"]}}',
    `{"event":{"category":[${'"registry",'.repeat(40)}"process"]}}`,
  ]) {
    assert.is(problem(["file", "process"], `${EVTX}\n${text}`, 2), null, text);
    assert.is.not(problem(["network"], `${EVTX}\n${text}`, 2), null, text);
  }
  assert.is(problem(["process"], EVTX, 1, 1), null, "a predicate held");
  assert.is(problem(null, EVTX, 1), null, "some rule takes any event");
  assert.is(run([store(`broken\n${PROCESS}\n`)]).status, 0);
  const empty = run(["-"]);
  assert.is(empty.status, 0);
  assert.match(empty.stderr, "note: the input is empty");
});

usable("takes any event where a rule keeps its category in another field", () => {
  const rule = join(folder, "overridden.json");
  const query = 'process where process.name == "yes.exe"';
  const record = { id: "one", name: "one", language: "eql", query, event_category_override: "event.action" };
  writeFileSync(rule, JSON.stringify([record]));
  const overridden = join(folder, "overridden");
  const built = spawnSync(process.execPath, [EQLC, "build", rule, "-o", overridden], { encoding: "utf8" });
  assert.is(built.status, 0, built.stderr);
  const events = store('{"event":{"action":"process"},"process":{"name":"no.exe"}}\n');
  const ended = spawnSync(process.execPath, [RUN, overridden, "--replay", events], { encoding: "utf8" });
  assert.is(ended.status, 0, ended.stderr);
});

usable.run();
