// The Host API: its table against its documentation.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  FAULTS_TO_QUARANTINE,
  FOREIGN_FUEL,
  FOREIGN_MEMORY_BYTES,
  FOREIGN_MILLISECONDS,
  HOST_FUNCTIONS,
  MOST_CAPTURES,
  MOST_PATTERNS,
  PROBATION_SHARE,
  QUARANTINE_EVENTS,
  QUARANTINE_MOST,
  TRUSTED_ANSWERS,
} from "@kestrel/stdlib/host-api";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hostTable } from "./support/host-table.js";
import { repositoryRoot } from "./support/repository.js";

const host = suite("host api");
const PAGE = join(repositoryRoot(), "docs/host-api.md");

host("docs/host-api.md lists every function as it is", () => {
  const page = readFileSync(PAGE, "utf8");
  const rows = /(?<=\| function \|.*\n\|[-|]+\n)(?:FUNCTIONS|(?:\|.*\n)+)/.exec(page)?.[0] ?? "";
  assert.is.not(rows, "");
  if (process.env.UPDATE === "1") writeFileSync(PAGE, page.replace(rows, `${hostTable()}\n`));
  else assert.is(rows, `${hostTable()}\n`, "UPDATE=1 writes it anew");
});

host("names are distinct, and docs/host-api.md says the limits that hold", () => {
  assert.is(new Set(HOST_FUNCTIONS.map(({ name }) => name)).size, HOST_FUNCTIONS.length);
  const page = readFileSync(PAGE, "utf8").replaceAll("\n", " ");
  for (const text of [
    `steps of one evaluation | ${FOREIGN_FUEL.toLocaleString("en")};`,
    `memory of one instance | ${FOREIGN_MEMORY_BYTES / 2 ** 20} MiB`,
    `time of one evaluation | ${FOREIGN_MILLISECONDS} ms`,
    `patterns in a file | ${MOST_PATTERNS}`,
    `captures of a match | ${MOST_CAPTURES}`,
    `next ${QUARANTINE_EVENTS.toLocaleString("en")} events`,
    `up to ${QUARANTINE_MOST.toLocaleString("en")}`,
    `a part of ${PROBATION_SHARE} of its steps`,
    "until it answers",
    `after ${TRUSTED_ANSWERS.toLocaleString("en")} answers in a row`,
    `left out for ${((QUARANTINE_MOST / PROBATION_SHARE) * 2).toLocaleString("en")} events has an eighth`,
  ]) {
    assert.ok(page.includes(text), text);
  }
  assert.is(FAULTS_TO_QUARANTINE, 3);
});

host.run();
