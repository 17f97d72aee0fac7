// The rule pack that ships with the project: every rule compiles without a word, passes its own tests, and says on the
// story of examples/story what a text case says.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { collectRules } from "@kestrel/compiler/sources/collect-rules";
import type { Query } from "@kestrel/compiler/syntax/ast";
import { alertToJson, createDetector, detectionToAlert, type Package } from "@kestrel/runtime/index";
import type { Schema } from "@kestrel/stdlib/schema/types";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { interpret, type RefEvent, readEvents } from "./reference/interpret.js";
import { expectedDetections, foundDetections } from "./support/detections.js";
import { repositoryRoot } from "./support/repository.js";
import { compileForTest, type PackUnderTest, runLines } from "./support/run-pack.js";
import { openTextCases, sectionOf } from "./support/text-cases.js";

const ROOT = repositoryRoot();
const STORY = join(ROOT, "examples/story/web-server-intrusion.ndjson");
const GENERATOR = join(ROOT, "examples/story/make-story.mjs");
const EXPECTED = join(ROOT, "test/cases/story/alerts.txt");

const pack = suite("rules");
const story = suite("story");

const collected = collectRules([join(ROOT, "rules")]);
let compiled: Promise<PackUnderTest> | null = null;

function wholePack(): Promise<PackUnderTest> {
  compiled ??= compileForTest(collected.rules, DEFAULT_OPTIONS);
  return compiled;
}

/** The fields that a pack reads, as a schema: the interpreter need not look at the others. */
function schemaOf(under: PackUnderTest): Schema {
  return { fields: new Map(under.pack.manifest.schema.fields.map((field) => [field.name, field])) };
}

function linesOf(events: readonly unknown[]): string[] {
  return events.map((event) => JSON.stringify(event));
}

function bytesOf(lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\n`).join(""));
}

/** For how long a sample remembers a key, when nothing else is asked for. */
const SAMPLE_WINDOW = 3_600_000_000_000n;

/** What the interpreter finds, as foundDetections writes it. */
function expectedOf(query: Query, events: readonly RefEvent[], schema: Schema): readonly string[] {
  return expectedDetections(query, interpret(query, events, { schema, sampleWindowNs: SAMPLE_WINDOW }));
}

pack("compile without a diagnostic", async () => {
  assert.equal(collected.diagnostics, []);
  const under = await wholePack();
  assert.equal(under.diagnostics, []);
  assert.is(under.rules.length, collected.rules.length);
});

pack("are many, and use the whole language", async () => {
  const { rules } = await wholePack();
  assert.ok(rules.length >= 25, `${rules.length} rules`);
  const bodies = rules.map(({ query }) => query.body);
  const sequences = bodies.filter((body) => body.kind === "sequence");
  assert.ok(sequences.length >= 8, `${sequences.length} sequences`);
  assert.ok(
    sequences.some((body) => body.until !== null),
    "no sequence has `until`",
  );
  assert.ok(
    sequences.some((body) => body.terms.some((term) => term.missing)),
    "no sequence has a missing event",
  );
  assert.ok(
    sequences.some((body) => body.terms.some((term) => term.runs > 1)),
    "no sequence has `runs`",
  );
  assert.ok(
    bodies.some((body) => body.kind === "sample"),
    "no rule is a sample",
  );
  for (const { rule, query } of rules) {
    assert.equal(query.pipes, [], `${rule.id} has pipes, which a stream does not have`);
    const bounded = query.body.kind !== "sequence" || query.body.maxspan !== null;
    assert.ok(bounded, `${rule.id} has no maxspan, so nothing ends its wait`);
  }
});

pack("say what they are about, and have tests of both kinds", () => {
  for (const rule of collected.rules) {
    assert.match(rule.id, /^linux-[a-z]+(-[a-z0-9]+)+$/);
    assert.ok(rule.name !== "" && rule.description !== "", `${rule.id} has no name or no description`);
    assert.ok(rule.riskScore !== null && rule.author.length > 0, `${rule.id} has no risk score or no author`);
    assert.ok(rule.threat.length > 0, `${rule.id} has no threat mapping`);
    for (const { tactic, technique } of rule.threat) {
      assert.match(tactic?.id ?? "", /^TA\d{4}$/, rule.id);
      assert.ok((technique ?? []).length > 0, `${rule.id} names a tactic without a technique`);
      for (const { id, subtechnique } of technique ?? []) {
        assert.match(id, /^T\d{4}$/, rule.id);
        for (const sub of subtechnique ?? [])
          assert.ok(/^T\d{4}\.\d{3}$/.test(sub.id) && sub.id.startsWith(id), rule.id);
      }
    }
    assert.ok(
      rule.tests.some(({ alerts }) => alerts > 0),
      `${rule.id} has no test that alerts`,
    );
    assert.ok(
      rule.tests.some(({ alerts }) => alerts === 0),
      `${rule.id} has no test without an alert`,
    );
    assert.is(
      new Set(rule.tests.map(({ name }) => name)).size,
      rule.tests.length,
      `${rule.id} has two tests of one name`,
    );
  }
});

pack("pass their tests among all the others, as in the reference interpreter", async () => {
  const under = await wholePack();
  const schema = schemaOf(under);
  for (const [index, { rule, query }] of under.rules.entries()) {
    for (const test of rule.tests) {
      const where = `${rule.id}: ${test.name}`;
      const lines = linesOf(test.events);
      const found = runLines(under.pack, bytesOf(lines));
      assert.is(found.counters.events, lines.length, where);
      assert.is(found.counters.malformed, 0, where);
      const got = foundDetections(found, index, query.dialect);
      assert.is(got.length, test.alerts, where);
      assert.equal(got, expectedOf(query, readEvents(lines, { schema }), schema), where);
    }
  }
});

pack("pass their tests each alone", async () => {
  for (const rule of collected.rules) {
    const under = await compileForTest([rule], DEFAULT_OPTIONS);
    assert.equal(under.diagnostics, [], rule.id);
    for (const test of rule.tests) {
      const found = runLines(under.pack, bytesOf(linesOf(test.events)));
      assert.is(found.byRule[0]?.length, test.alerts, `${rule.id}: ${test.name}`);
    }
  }
});

/** What examples/story/make-story.mjs exports. */
interface Generator {
  readonly storyLines: (options?: { readonly background?: boolean }) => string[];
  /** An entry for each event, in the order of their times. */
  readonly tellStory: () => { readonly act: "background" | "intrusion"; readonly event: unknown }[];
}

async function generator(): Promise<Generator> {
  return (await import(pathToFileURL(GENERATOR).href)) as Generator;
}

function storyText(): string {
  return readFileSync(STORY, "utf8");
}

story("is what its generator writes", async () => {
  const { storyLines } = await generator();
  assert.ok(storyText() === bytesOf(storyLines()).toString(), `stale: run node ${GENERATOR}`);
});

story("is silent without the intrusion", async () => {
  const under = await wholePack();
  const lines = (await generator()).storyLines({ background: true });
  assert.ok(lines.length > 300, `only ${lines.length} events`);
  const found = runLines(under.pack, bytesOf(lines));
  assert.is(found.counters.events, lines.length);
  const loud = under.rules.filter((_, index) => (found.byRule[index] ?? []).length > 0).map(({ rule }) => rule.id);
  assert.equal(loud, []);
});

story("gives the alerts of test/cases/story/alerts.txt, as in the reference interpreter", async () => {
  const under = await wholePack();
  const lines = storyText().trimEnd().split("\n");
  const schema = schemaOf(under);
  const events = readEvents(lines, { schema });
  const found = runLines(under.pack, bytesOf(lines));
  assert.is(found.counters.malformed, 0);
  const open = openTextCases(pathToFileURL(EXPECTED), { inputs: [], expectations: ["alerts"] });
  const counts: string[] = [];
  for (const [index, { rule, query }] of under.rules.entries()) {
    const got = foundDetections(found, index, query.dialect);
    assert.equal(got, expectedOf(query, events, schema), rule.id);
    if (got.length > 0) counts.push(`${rule.id}: ${got.length}`);
  }
  for (const { sections } of open.cases) open.expect(sectionOf(sections, "alerts"), counts.sort().join("\n"));
  open.finish();
});

story("is told by the intrusion alone: no ordinary event is evidence", async () => {
  const under = await wholePack();
  const acts = new Map((await generator()).tellStory().map(({ act, event }) => [JSON.stringify(event), act]));
  const lines = storyText().trimEnd().split("\n");
  const found = runLines(under.pack, bytesOf(lines));
  for (const [index, { rule }] of under.rules.entries()) {
    for (const ordinal of new Set(found.byRule[index]?.flat())) {
      const line = lines[ordinal];
      if (line !== undefined) assert.is(acts.get(line), "intrusion", `${rule.id}: ${line}`);
    }
  }
});

/** Every alert of the story as the line that kestrel-run writes, the input cut after so many lines. */
function alertLines(loaded: Package, bytes: Buffer, linesAtOnce: number, latenessNs: bigint | null): string[] {
  const written: string[] = [];
  const detector = createDetector(loaded, {
    latenessNs,
    onAlert: (detection) => written.push(alertToJson(detectionToAlert(detection, loaded.manifest))),
  });
  let firstLine = 1;
  for (let start = 0; start < bytes.length; ) {
    let end = start;
    for (let count = 0; count < linesAtOnce && end < bytes.length; count++) end = bytes.indexOf(10, end) + 1;
    firstLine += detector.feed(bytes.subarray(start, end), { file: "story", firstLine });
    start = end;
  }
  detector.finish();
  assert.is(detector.counters().late, 0);
  return written;
}

story("gives the same bytes however it is cut, and the same alerts whether it is streamed or sorted", async () => {
  const under = await wholePack();
  const bytes = readFileSync(STORY);
  const whole = alertLines(under.pack, bytes, Number.POSITIVE_INFINITY, 5_000_000_000n);
  assert.ok(whole.length >= 40, `only ${whole.length} alerts`);
  assert.equal(alertLines(under.pack, bytes, 1, 5_000_000_000n), whole);
  assert.equal(alertLines(under.pack, bytes, 7, 5_000_000_000n), whole);
  const sorted = alertLines(under.pack, bytes, Number.POSITIVE_INFINITY, null);
  assert.equal(alertLines(under.pack, bytes, 7, null), sorted);
  // What needs no order comes at once, so the others stand elsewhere among them.
  const withoutEnd = (lines: readonly string[]): string[] =>
    lines.map((line) => line.replace('"end_of_input":true,', "")).sort();
  assert.equal(withoutEnd(sorted), withoutEnd(whole));
});

pack.run();
story.run();
