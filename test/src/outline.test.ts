// An outline changes nothing but the time that an alert takes: what is said of an event by its outline is what is said of it by a tree.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { topFieldsOf } from "@kestrel/runtime/alert/top-fields";
import { type EventReading, readLine, readTree } from "@kestrel/runtime/event/json-reading";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom, type Random } from "./generate/random.js";
import { repositoryRoot } from "./support/repository.js";
import { LONG, sizeOf } from "./support/sizes.js";

const EVENTS = join(repositoryRoot(), "../shared/corpora/events");

const outline = suite("outlines");

/** What an alert takes of a reading. */
function takenOf({ text, json, isJson, identity, object }: EventReading): object {
  return { text, json, isJson, identity: Buffer.from(identity).toString("latin1"), top: topFieldsOf(object) };
}

/** Holds the two readings to each other; true where the line has an outline. */
function check(line: Uint8Array): boolean {
  const reading = readLine(line);
  if (reading.object?.kind !== "outlined") return false;
  assert.equal(takenOf(reading), takenOf(readTree(line)), Buffer.from(line).toString("latin1"));
  return true;
}

function hasOutline(text: string): boolean {
  return check(Buffer.from(text, "latin1"));
}

outline("stand for objects that are JSON and name no field twice", () => {
  const long = "x".repeat(100);
  for (const text of [
    ...[
      "{}",
      "{ }",
      ' \t{"a":1}\r',
      '{"a":[]}',
      '{"a":[ ]}',
      '{"a":{}}',
      '{"a":{ }}',
      '{"":1}',
      '{"a" : [1 , {"b":2} ]}',
    ],
    ...[
      '{"a":0}',
      '{"a":-0}',
      '{"a":10}',
      '{"a":1.50}',
      '{"a":1e5}',
      '{"a":1E+05}',
      '{"a":-1.0e-0}',
      '{"a":12345678901234567890}',
    ],
    ...[
      '{"a":true,"b":false,"c":null}',
      '{"a":[true,false,null]}',
      '{"a.b":1,"c.d":2}',
      '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}',
    ],
    ...[
      String.raw`{"a":"\"\\\/\b\f\n\r\t\u00e9\uD800"}`,
      `{"a":"\x7f"}`,
      `{"a":"\xc3\xa9"}`,
      `{"a":"\xff"}`,
      `{"a":"${long}"}`,
    ],
    ...[`{"${long}":1}`, `{"${long}":1,"${long}y":1}`, `{"a":"${long}\\n${long}\\"","b":"\xe2\x82\xac${long}"}`],
    ...['{"event":{"kind":"x","a":1,"id":"y"},"b":2,"threat":{"tactic":1,"b":2},"_id":"x","tags":["a",1.0]}'],
    ...['{"event":{"a.b":1},"threat":[{"a":1}],"tags":"x"}', '{"event.kind":1,"threat.a":{"b":1},"tags.x":1,"rule":1}'],
    ...['{"event":[1],"threat":"x"}', '{ "event" : { "kind" : "x" , "a" : [ 1 ] } , "b" : { "c" : 2 } }'],
  ]) {
    assert.ok(hasOutline(text), text);
  }
});

outline("do not stand for what is no JSON, or may name a field twice", () => {
  for (const text of [
    ...[
      "",
      " ",
      "1",
      "[]",
      '"a"',
      "{",
      '{"a"',
      '{"a":',
      '{"a":1',
      '{"a":1}}',
      '{"a":1} x',
      "{a:1}",
      '{"a" 1}',
      '{"a":1,}',
      '{,"a":1}',
    ],
    ...[
      '{"a":1 "b":2}',
      '{"a":01}',
      '{"a":+1}',
      '{"a":.5}',
      '{"a":1.}',
      '{"a":1e}',
      '{"a":1e+}',
      '{"a":-}',
      '{"a":--1}',
      '{"a":1x}',
    ],
    ...[
      '{"a":tru}',
      '{"a":truee}',
      '{"a":nul}',
      '{"a":NaN}',
      '{"a":[1,]}',
      '{"a":[,1]}',
      '{"a":[1 2]}',
      '{"a":[1}',
      '{"a":{"b":1]}',
    ],
    ...[
      String.raw`{"a":"\q"}`,
      String.raw`{"a":"\u12"}`,
      String.raw`{"a":"\u12g4"}`,
      '{"a":"\\',
      '{"a":"x',
      '{"a":"\t"}',
      '{"a":"\x01"}',
    ],
    ...[
      '{"a":1,"a":2}',
      '{"a":1,"a.b":2}',
      '{"a.b":1,"a.c":2}',
      '{"x":{"a":1,"b":2,"a":3}}',
      '{"x":[{"a":1,"a":2}]}',
      '{"a\\u0062":1}',
    ],
    ...[
      '{"a..b":1}',
      '{".a":1}',
      '{"a.":1}',
      '{".":1}',
      '{"\xc3\xa9":1}',
      '{"\xff":1,"\xfe":2}',
      '{"a":\x0b1}',
      '{"a":\x001}',
      '{"a"\xa0:1}',
    ],
    `{${Array.from({ length: 600 }, (_, at) => `"n${at}":1`).join(",")}}`,
    `${'{"a":'.repeat(65)}1${"}".repeat(65)}`,
  ]) {
    assert.not(hasOutline(text), text);
  }
});

outline("end with the line, whatever stands behind it", () => {
  const whole = Buffer.from('{"a":"x"}{"b":"y"},"c":12}');
  for (let end = 0; end <= whole.length; end++) assert.is(check(whole.subarray(0, end)), end === 9, String(end));
});

/** A document, by the character sometimes not quite what it ought to be. */
function documentText({ below, chance, pick }: Random): string {
  const names = [
    ...[
      "a",
      "b",
      "c",
      "a.b",
      "b.c.d",
      "event",
      "event.kind",
      "event.a",
      "kind",
      "id",
      "rule",
      "tags",
      "kestrel.id",
      "_id",
      "threat",
    ],
    ...["threat.tactic.id", "tactic", "framework", "@timestamp", "\\u0061", "é", "a..b", "a.", ""],
  ];
  const scalars = [
    ...[
      "1",
      "1.50",
      "-0",
      "12345678901234567890",
      "2e-3",
      "true",
      "false",
      "null",
      '"x"',
      '"\\u00e9\\""',
      '"C:\\\\x"',
      '"é€😀"',
      "[]",
      "{}",
    ],
    ...[`"${"long ".repeat(10)}"`, `"${"x".repeat(15)}\\\\"`],
  ];
  const space = chance(0.3) ? [" ", "", "", "\t"] : [""];
  const gap = (): string => pick(space);
  const list = (depth: number): string =>
    `[${gap()}${Array.from({ length: below(4) }, () => value(depth)).join(`${gap()},${gap()}`)}${gap()}]`;
  const object = (depth: number): string => {
    const members = Array.from({ length: below(6) }, () => `"${pick(names)}"${gap()}:${gap()}${value(depth)}`);
    return `{${gap()}${members.join(`${gap()},${gap()}`)}${gap()}}`;
  };
  const value = (depth: number): string => {
    if (depth > 3 || chance(0.5)) return pick(scalars);
    return chance(0.4) ? list(depth + 1) : object(depth + 1);
  };
  return gap() + object(0) + gap();
}

outline("say of random documents what a tree says", () => {
  const random = createRandom(sizeOf("KESTREL_SEED", 20261, 20261));
  const { below, chance } = random;
  const count = sizeOf("KESTREL_DOCUMENTS", 20_000, 500_000);
  let outlined = 0;
  for (let one = 0; one < count; one++) {
    const line = Buffer.from(documentText(random));
    // A byte that is another.
    if (chance(0.2)) line[below(line.length)] = chance(0.5) ? below(256) : (line[below(line.length)] ?? 0);
    if (check(line)) outlined++;
  }
  assert.ok(outlined > count / 10, `${outlined} of ${count} have an outline`);
});

outline("say of the lines of every recording what a tree says", () => {
  if (!existsSync(EVENTS)) {
    console.log("  skipped, no corpora: outlines of every recording");
    return;
  }
  const files = readdirSync(EVENTS, { recursive: true, encoding: "utf8" }).filter((file) => /\.ndjson/.test(file));
  const most = LONG ? Number.POSITIVE_INFINITY : 200;
  let [lines, outlined] = [0, 0];
  for (const file of LONG ? files : files.filter((_, at) => at % 6 === 0)) {
    const read = readFileSync(join(EVENTS, file));
    const bytes = file.endsWith(".gz") ? gunzipSync(read) : read;
    for (let start = 0, left = most; start < bytes.length && left > 0; left--) {
      const feed = bytes.indexOf(10, start);
      const end = feed < 0 ? bytes.length : feed;
      lines++;
      if (check(bytes.subarray(start, end))) outlined++;
      start = end + 1;
    }
  }
  assert.ok(outlined > lines / 2, `${outlined} of ${lines} have an outline`);
  console.log(`  ${outlined} of ${lines} lines have an outline`);
});

outline.run();
