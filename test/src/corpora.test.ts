// Real rules over real recordings: the compiled pack finds what the reference interpreter finds, rule by rule and event by
// event. The corpora are not part of the repository; where they are absent these tests are skipped with a note.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { collectRules } from "@kestrel/compiler/sources/collect-rules";
import type { Schema } from "@kestrel/stdlib/schema/types";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { interpret, type RefEvent, readEvents } from "./reference/interpret.js";
import { expectedDetections, foundDetections } from "./support/detections.js";
import { repositoryRoot } from "./support/repository.js";
import { compileForTest, type PackUnderTest, runLines } from "./support/run-pack.js";
import { LONG, sizeOf } from "./support/sizes.js";

const CORPORA = join(repositoryRoot(), "../shared/corpora");
const EVENTS = join(CORPORA, "events");
const corpora = suite("corpora");

/** The short form takes no more than the first events of each recording. */
const MOST = sizeOf("KESTREL_CORPORA", 500, 6_000);

/** Recordings of more than 4,000 events are cut, so that the interpreter is done in a minute. */
const RECORDINGS: readonly (readonly [file: string, events: number])[] = [
  ["linux-sysmon-log4shell-ecs.ndjson", Number.POSITIVE_INFINITY],
  ["sigma-regression-ecs.ndjson", Number.POSITIVE_INFINITY],
  ["otrf-windows-ecs/lateral_movement__purplesharp_ad_playbook_I.ndjson.gz", 4_500],
  ["otrf-windows-ecs/defense_evasion__cmd_wevtutil_modify_security_eventlog_path.ndjson.gz", 4_500],
  ["otrf-windows-ecs/credential_access__empire_ninjacopy_dumping_ntds_dit_file.ndjson.gz", 4_500],
  ["otrf-windows-ecs/defense_evasion__empire_wmic_add_user_backdoor.ndjson.gz", 4_500],
  ["otrf-windows-ecs/lateral_movement__schtask_modification.ndjson.gz", 4_500],
];

function readText(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
}

function readLines(file: string, most = Number.POSITIVE_INFINITY): string[] {
  const lines = readText(join(EVENTS, file))
    .split("\n")
    .filter((line) => line.trim() !== "");
  return lines.slice(0, Math.min(most, MOST));
}

/** For how long a sample remembers a key, when nothing else is asked for. */
const SAMPLE_WINDOW = 3_600_000_000_000n;

let elastic: Promise<PackUnderTest> | null = null;
function elasticPack(): Promise<PackUnderTest> {
  elastic ??= compileForTest(collectRules([join(CORPORA, "rules-toml")]).rules, DEFAULT_OPTIONS);
  return elastic;
}

/** The fields that a pack reads, as a schema: the interpreter reads no others either. */
function schemaOf(under: PackUnderTest): Schema {
  return { fields: new Map(under.pack.manifest.schema.fields.map((field) => [field.name, field])) };
}

function check(name: string, body: () => Promise<void>): void {
  corpora(name, async () => {
    if (existsSync(CORPORA)) await body();
    else console.log(`  skipped, no corpora: ${name}`);
  });
}

check("Elastic's detection rules compile, all of them, with their ids", async () => {
  const { rules } = collectRules([join(CORPORA, "rules-toml")]);
  const under = await elasticPack();
  assert.is(rules.length, 818);
  assert.equal(
    under.diagnostics.filter(({ severity }) => severity === "error"),
    [],
  );
  assert.equal(
    under.rules.map(({ rule }) => rule.id),
    rules.map(({ id }) => id),
  );
});

let matchesInAll = 0;
for (const [file, most] of RECORDINGS) {
  check(`the pack agrees with the reference on ${file}`, async () => {
    const under = await elasticPack();
    const lines = readLines(file, most);
    const options = { schema: schemaOf(under), sampleWindowNs: SAMPLE_WINDOW };
    const read = new Map<string, RefEvent[]>();
    const eventsBy = (categoryField: string): RefEvent[] => {
      const known = read.get(categoryField) ?? readEvents(lines, { ...options, categoryField });
      read.set(categoryField, known);
      return known;
    };
    const events = eventsBy(DEFAULT_OPTIONS.categoryField);
    const found = runLines(under.pack, Buffer.from(`${lines.join("\n")}\n`));
    assert.is(found.counters.events, lines.length);
    // The interpreter need not ask a rule about events of another category; the reference decides the category itself.
    const byCategory = new Map<string, RefEvent[]>();
    for (const event of events) {
      for (const category of new Set(event.categories))
        byCategory.set(category, [...(byCategory.get(category) ?? []), event]);
    }
    let total = 0;
    for (const [index, { rule, query }] of under.rules.entries()) {
      const got = foundDetections(found, index, query.dialect);
      const { body } = query;
      const { category } = rule.eventFields;
      let candidates = category === null ? events : eventsBy(category);
      if (body.kind === "event" && body.category !== null && category === null)
        candidates = byCategory.get(body.category) ?? [];
      const expected = expectedDetections(query, interpret({ ...query, pipes: [] }, candidates, options));
      total += expected.length;
      assert.equal(got, expected, `${rule.id} ${rule.name}`);
    }
    if (LONG) assert.ok(total > 0, "no rule matched at all");
    matchesInAll += total;
    console.log(`  ${file}: ${lines.length} events, ${total} matches of ${under.rules.length} rules agree`);
  });
}

check("rules match somewhere", async () => assert.ok(matchesInAll > 0));

corpora.run();
