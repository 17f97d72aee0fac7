// The detector around a module written by hand: what it makes of lines, however they are cut into chunks.

import { createEvaluator } from "@kestrel/runtime/evaluate/evaluator";
import {
  alertToJson,
  type BrokenLine,
  createDetector,
  type Detection,
  type DetectorCounters,
  type DetectorOptions,
  detectionToAlert,
  type EvidenceEvent,
  ModuleError,
  packageFromMemory,
} from "@kestrel/runtime/index";
import { createLane, PAUSE_AFTER } from "@kestrel/runtime/lane/lane";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  EVERY_KIND,
  type FakePack,
  fakePack,
  fakeProgram,
  fakeStage,
  INPUT_ROOM,
  LATE_PACK,
  LATE_ROOM,
  lateOf,
} from "./support/fake-pack.js";

const detecting = suite("detector");

const SECOND = 1_000_000_000n;

interface Outcome {
  /** Each detection as `rule key ordinal,ordinal`. */
  readonly alerts: string[];
  readonly lines: string[];
  readonly broken: BrokenLine[];
  readonly counters: DetectorCounters;
}

async function detect(
  lines: readonly string[],
  options: Partial<DetectorOptions> = {},
  linesPerChunk = Number.POSITIVE_INFINITY,
  source = EVERY_KIND,
): Promise<Outcome> {
  const pack = await packageFromMemory(await fakePack(source));
  const alerts: string[] = [];
  const written: string[] = [];
  const broken: BrokenLine[] = [];
  const onAlert = (detection: Detection): void => {
    const rule = pack.manifest.rules[detection.rule]?.id;
    alerts.push(`${rule} ${detection.key} ${detection.events.map((event) => event?.ordinal ?? "-").join()}`);
    written.push(alertToJson(detectionToAlert(detection, pack.manifest)));
  };
  const detector = createDetector(pack, {
    latenessNs: 60n * SECOND,
    onAlert,
    onBroken: (line) => broken.push(line),
    ...options,
  });
  for (let at = 0; at < lines.length; ) {
    const some = lines.slice(at, at + linesPerChunk);
    const bytes = Buffer.from(some.map((line) => `${line}\n`).join(""));
    assert.is(detector.feed(bytes, { file: "f", firstLine: at + 1 }), some.length);
    bytes.fill(0);
    at += some.length;
  }
  detector.finish();
  return { alerts, lines: written, broken, counters: detector.counters() };
}

detecting("tells event rules, sequences, missing events and samples", async () => {
  const { alerts, counters } = await detect([
    '{"t":1000,"p":"0","k":"ab"}',
    '{"t":1500,"p":"43"}',
    '{"t":2000,"p":"1","k":"b"}',
    '{"t":2500,"p":"2","k":"a"}',
    '{"t":9000,"p":"2","k":"b"}',
    '{"t":9100}',
  ]);
  assert.equal(alerts, [
    "three  1",
    "two-or-four  1",
    "two-or-four  3",
    "two-or-four  4",
    'both "b" 0,2',
    'any-order "b" 2,4',
    'absent "b" 0,-',
  ]);
  assert.is(counters.events, 6);
  assert.is(counters.matched, 5);
  assert.is(counters.alerts, 7);
  assert.equal(counters.alertsByRule, [1, 1, 1, 3, 1]);
  assert.is(counters.lastTime, 9_100_000_000n);
});

detecting("lets wait what needs an order, and nothing else", async () => {
  const lines = [
    '{"t":1000,"p":"1","k":"a"}',
    '{"t":900,"p":"0","k":"a"}',
    '{"t":90000}',
    '{"t":91000,"p":"3"}',
    '{"t":2000,"p":"3"}',
  ];
  const bounded = await detect(lines, { latenessNs: SECOND });
  assert.equal(bounded.alerts, ['both "a" 1,0', "three  3", "three  4", 'absent "a" 1,-']);
  assert.is(bounded.counters.late, 0);
  const sorted = await detect(lines, { latenessNs: null });
  assert.equal(sorted.alerts, ["three  3", "three  4", 'both "a" 1,0', 'absent "a" 1,-']);
  assert.is(sorted.counters.late, 0);
});

detecting("uses tiebreakers, and gives an event without a time the time of the one before it", async () => {
  const { alerts, counters } = await detect([
    '{"p":"3"}',
    '{"t":1000,"n":5,"p":"1","k":"a"}',
    '{"t":1000,"n":4,"p":"0","k":"a"}',
    '{"p":"3"}',
  ]);
  assert.equal(alerts, ["three  0", "three  3", 'both "a" 2,1', 'absent "a" 2,-']);
  assert.is(counters.untimed, 2);
});

detecting("reports broken and too long lines with their place", async () => {
  const long = `{"t":3000,"p":"3","pad":"${"x".repeat(INPUT_ROOM)}"}`;
  const fits = `{"t":1,"p":"3","pad":"`.padEnd(INPUT_ROOM - 3, "y");
  const lines = ['{"t":1}', "", "not json", long, `${fits}"}`, "  [1]  ", '{"t":2,"p":"3"}'];
  const { broken, counters, alerts } = await detect(lines);
  assert.equal(
    broken.map(({ file, line, reason }) => `${file}:${line} ${reason}`),
    ["f:3 not a JSON object", `f:4 too long, ${long.length} bytes`, "f:6 not a JSON object"],
  );
  assert.is(broken[0]?.excerpt, "not json");
  assert.is(broken[1]?.excerpt, `${long.slice(0, 120)}…`);
  assert.is(broken[2]?.excerpt, "[1]");
  assert.equal([counters.lines, counters.events, counters.blank, counters.broken, counters.tooLong], [7, 3, 1, 3, 1]);
  assert.equal(alerts, ["three  4", "three  6"]);
});

detecting("gives the same bytes and counters for any chunks", async () => {
  let seed = 12345;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const lines: string[] = [];
  for (let index = 0; index < 1500; index++) {
    const kind = random(40);
    if (kind === 0) lines.push("");
    else if (kind === 1) lines.push("?");
    else if (kind === 2) lines.push(`{"pad":"${"z".repeat(INPUT_ROOM + random(3))}"}`);
    else {
      const time = kind === 3 ? "" : `"t":${index * 100 - random(4000)},`;
      const tie = random(3) === 0 ? `"n":${random(9)},` : "";
      const predicates = [0, 1, 2, 3, 4].filter(() => random(4) === 0).join("");
      const keys = ["", "a", "b", "ab", "ba", "cde"][random(6)];
      lines.push(`{${time}${tie}"p":"${predicates}","k":"${keys}","i":${index}}`);
    }
  }
  for (const latenessNs of [0n, 2n * SECOND, null]) {
    const whole = await detect(lines, { latenessNs });
    assert.ok(whole.alerts.length > 200);
    assert.is(whole.counters.late > 0, latenessNs !== null);
    for (const linesPerChunk of [1, 2, 3, 7, 50]) {
      const cut = await detect(lines, { latenessNs }, linesPerChunk);
      assert.is(cut.lines.join("\n"), whole.lines.join("\n"), `${linesPerChunk} lines a chunk`);
      assert.equal(cut.broken, whole.broken);
      assert.equal(cut.counters, whole.counters);
    }
  }
  const crowded = await detect(lines, { memoryBytes: 8000, maxPerProgram: 3 });
  assert.ok(crowded.counters.overflowed > 0 && crowded.counters.sequences.evicted > 0);
  const cut = await detect(lines, { memoryBytes: 8000, maxPerProgram: 3 }, 1);
  assert.is(cut.lines.join("\n"), crowded.lines.join("\n"));
  assert.equal(cut.counters, crowded.counters);
});

detecting("asks late tests beside the events of earlier stages", async () => {
  const { alerts, counters } = await detect(
    [
      '{"t":1000,"p":"0","k":"z","v":"x"}',
      '{"t":2000,"p":"1","k":"z","v":"y"}',
      '{"t":3000,"p":"1","k":"z"}',
      '{"t":4000,"p":"1","k":"z","v":"x"}',
      '{"t":5000,"p":"9","l":"<"}',
      '{"t":6000,"p":"9","l":"="}',
    ],
    {},
    1,
    LATE_PACK,
  );
  assert.equal(alerts, ["plain  4", "plain  5", 'same-value "z" 0,3', "listed  4"]);
  assert.equal([counters.lateTests, counters.lateLost], [5, 0]);
});

detecting("sets lineage flags before late tests, and marks only what passes the query's own", async () => {
  const { alerts, counters } = await detect(
    [
      '{"t":1,"p":"457","o":"a----"}',
      '{"t":2,"p":"245","o":"b-a--"}',
      '{"t":3,"p":"47","o":"a----","l":"?"}',
      '{"t":4,"p":"245","o":"c-a--"}',
      '{"t":5,"p":"24","o":"b-a--"}',
      '{"t":6,"p":"24","o":"c----"}',
      '{"t":7,"p":"2"}',
      '{"t":8,"p":"8"}',
    ],
    {},
    3,
    LATE_PACK,
  );
  assert.equal(alerts, ["child  3", "child  5"]);
  assert.equal(counters.lineage, { known: 3, forgottenForCap: 0, forgottenForAge: 0 });
  const keyed = [
    '{"t":1,"p":"47","o":"a----","l":"?"}',
    '{"t":2,"p":"245","o":"c-a--"}',
    '{"t":3,"p":"8","o":"c-a--"}',
  ];
  const sequence = await detect(keyed, {}, 3, LATE_PACK);
  assert.equal(sequence.alerts, ["child  1", 'after-child "c"\nnull\n"a"\nnull\nnull 1,2']);
});

detecting("lets matches through pipes", async () => {
  const lines = [
    '{"t":1,"p":"3","l":"=>","u":"a"}',
    '{"t":2,"p":"3","l":"=>","u":"a"}',
    '{"t":3,"p":"3","l":">","u":"b"}',
    '{"t":4,"p":"3","l":"=>","u":"-"}',
    '{"t":5,"p":"3","l":"=>","u":"-"}',
    '{"t":6,"p":"3","l":"=","u":"a"}',
    '{"t":7,"p":"3","l":"=>","u":"c"}',
  ];
  const { alerts, counters } = await detect(lines, {}, 2, LATE_PACK);
  assert.equal(alerts, ["distinct  0", "distinct  3", "distinct  5"]);
  assert.is(counters.pipeKeysForgotten, 0);
  const unpiped = await detect(lines, { pipes: false }, 9, LATE_PACK);
  assert.is(unpiped.alerts.length, lines.length);
});

detecting("forgets the oldest keys of pipes, and counts them", async () => {
  const lines = ["a", "b", "a", "c", "b"].map((key, at) => `{"t":${at},"p":"3","l":"=>","u":"${key}"}`);
  const roomy: FakePack = {
    ...LATE_PACK,
    rules: LATE_PACK.rules.slice(4, 5),
    predicates: LATE_PACK.predicates.map(() => []),
    programs: [
      fakeProgram({ rule: 0, kind: "event", stages: [fakeStage(3)], pipes: [{ kind: "unique", keys: lateOf(">") }] }),
    ],
  };
  const all = await detect(lines, {}, 9, roomy);
  assert.equal(all.alerts, ["distinct  0", "distinct  1", "distinct  3"]);
  const few = await detect(lines, { maxPipeKeys: 1 }, 9, roomy);
  assert.equal([few.alerts.length, few.counters.pipeKeysForgotten], [5, 4]);
});

detecting("counts late tests whose lines do not fit, and those whose lines cannot be read", async () => {
  const pad = "x".repeat(LATE_ROOM / 2);
  const { alerts, counters } = await detect(
    [
      `{"t":1,"p":"0","k":"z","v":"x","z":"${pad}"}`,
      `{"t":2,"p":"1","k":"z","v":"x","z":"${pad}"}`,
      '{"t":3,"p":"1","k":"z","v":"x","?":1}',
      '{"t":4,"p":"1","k":"z","v":"x"}',
    ],
    {},
    1,
    LATE_PACK,
  );
  assert.equal(alerts, ['same-value "z" 0,3']);
  assert.equal([counters.lateTests, counters.lateLost], [3, 2]);
});

detecting("says nothing of lineage when nothing asks for it", async () => {
  assert.is((await detect(['{"t":1,"p":"3"}'])).counters.lineage, null);
});

detecting("reads all that a run found before it asks anything, however lines are cut", async () => {
  const lines: string[] = [];
  let state = 3;
  const next = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return Math.floor(((state >>> 0) / 4294967296) * below);
  };
  const some = (letters: string): string => [...letters].filter(() => next(3) === 0).join("");
  const one = (letters: string): string => letters[next(letters.length)] ?? "";
  for (let index = 0; index < 1500; index++) {
    const id = next(3) > 0 ? `,"o":"${one("abcd-")}-${one("abcd-")}--"` : "";
    const parts = `"l":"${some("<=>?")}","v":"${one("xy")}","u":"${one("abcdefgh-")}"`;
    lines.push(`{"t":${index * 10 - next(40)},"p":"${some("0123456789")}",${parts}${id}}`);
  }
  const roomy = LATE_PACK.programs.map((program) => ({
    ...program,
    pipes: program.pipes.filter(({ kind }) => kind !== "head"),
  }));
  for (const order of ["time", "arrival"] as const) {
    const options = { order, maxProcesses: 3, maxPipeKeys: 4, latenessNs: SECOND / 50n };
    const whole = await detect(lines, options, 2000, { ...LATE_PACK, programs: roomy });
    const rules = new Set(whole.alerts.map((line) => line.split(" ")[0]));
    assert.is(rules.size, 6, [...rules].join());
    assert.ok((whole.counters.lineage?.forgottenForCap ?? 0) > 0 && whole.counters.pipeKeysForgotten > 0);
    for (const linesPerChunk of [1, 2, 5, 40]) {
      const cut = await detect(lines, options, linesPerChunk, { ...LATE_PACK, programs: roomy });
      assert.is(cut.lines.join("\n"), whole.lines.join("\n"), `${order}, ${linesPerChunk} lines a chunk`);
      assert.equal(cut.counters, whole.counters);
    }
  }
});

detecting("takes events as they arrive when told to", async () => {
  const lines = ['{"t":9000,"p":"0","k":"a"}', '{"t":5000,"p":"1","k":"a"}', '{"t":20000,"p":"3"}', '{"t":1,"p":"3"}'];
  const { alerts, counters } = await detect(lines, { order: "arrival" });
  assert.equal(alerts, ['both "a" 0,1', "three  2", "three  3", 'absent "a" 0,-']);
  assert.equal([counters.late, counters.waiting], [0, 0]);
});

detecting("answers who applies pipes, once the stream has ended", async () => {
  const pack = await packageFromMemory(await fakePack(LATE_PACK));
  const events: (EvidenceEvent | null)[] = [];
  const detector = createDetector(pack, {
    latenessNs: null,
    pipes: false,
    onAlert: (detection) => events.push(...detection.events),
  });
  const lines = '{"t":1,"p":"3","v":"x","l":">","u":"ab"}\n{"t":2,"p":"3","v":"x"}\n';
  detector.feed(Buffer.from(lines), { file: "f", firstLine: 1 });
  detector.finish();
  const [first, second] = events;
  if (first == null || second == null) throw new Error("no events");
  assert.equal(detector.ask(lateOf(">"), first, []), ['"a"\n"b"']);
  assert.is(detector.ask(lateOf(">"), second, []), null);
  assert.equal(detector.ask(lateOf("A", 2), first, [second]), ['"a"\n"b"']);
  assert.equal(detector.ask(lateOf("A", 2), second, [null]), [""]);
});

detecting("keeps what it remembers of a rule under the rule's id", async () => {
  const pack = await packageFromMemory(await fakePack(LATE_PACK));
  const found: string[] = [];
  const lane = createLane(pack, {
    latenessNs: null,
    order: "arrival",
    onAlert: ({ rule }) => found.push(pack.manifest.rules[rule]?.id ?? ""),
  });
  const evaluator = createEvaluator(pack);
  const lines = [
    '{"t":1,"p":"0","k":"y","v":"x"}',
    '{"t":2,"p":"0","k":"z","v":"x"}',
    '{"t":3,"p":"1","k":"z","v":"x"}',
    '{"t":4,"p":"3","l":"=>","u":"a"}',
    '{"t":5,"p":"3","l":"=>","u":"a"}',
    '{"t":6,"p":"9"}',
  ];
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  for (const batch of evaluator.evaluate(bytes, { file: "f", firstLine: 1 }, 0)) for (const _ of lane.take(batch));
  assert.equal(found, ["same-value", "distinct", "plain"]);
  const sequence = lane.stateOf("same-value");
  assert.equal([sequence?.sequence?.chain.size, lane.counters().sequences.keys], [1, 1]);
  assert.is(sequence?.sequence?.automaton.index, 0);
  const pipes = lane.stateOf("distinct");
  assert.equal(pipes?.pipes, { left: [0, 0, 0, 2], seen: new Set(['1 "a"']), forgotten: 0 });
  assert.equal([sequence?.alerts, pipes?.alerts, lane.stateOf("plain")?.alerts], [1, 1, 1]);
  const plain = lane.stateOf("plain");
  assert.equal([plain?.program, plain?.sequence, plain?.pipes], [null, null, null]);
  assert.is(lane.stateOf("no such rule"), undefined);
});

detecting("pauses after some alerts, and finds the same as without pauses", async () => {
  const pack = await packageFromMemory(await fakePack(EVERY_KIND));
  // Each event alerts twice, and begins a sequence that only its deadline completes.
  const lines = Array.from({ length: 2000 }, (_, at) => `{"t":${at},"p":"034","k":"${"abcdefgh"[at % 8]}"}\n`);
  const bytes = Buffer.from(lines.join(""));
  for (const latenessNs of [0n, null]) {
    const whole: string[] = [];
    const show = ({ rule, key, events }: Detection): string => `${rule} ${key} ${events.map((one) => one?.ordinal)}`;
    const plain = createDetector(pack, { latenessNs, onAlert: (detection) => whole.push(show(detection)) });
    plain.feed(bytes, { file: "f", firstLine: 1 });
    plain.finish();
    const found: string[] = [];
    let since = 0;
    let pauses = 0;
    const detector = createDetector(pack, {
      latenessNs,
      onAlert(detection) {
        found.push(show(detection));
        since++;
      },
    });
    const runSteps = (steps: Generator<void, unknown, void>): void => {
      for (const _ of steps) {
        pauses++;
        assert.ok(since <= PAUSE_AFTER + 2, `${since} alerts without a pause`);
        since = 0;
      }
    };
    runSteps(detector.feedInSteps(bytes, { file: "f", firstLine: 1 }));
    assert.ok(pauses > 10);
    const left = detector.finishInSteps();
    left.next();
    if (latenessNs === null) assert.throws(() => detector.finish(), /not run to its end/);
    since = 0;
    runSteps(left);
    assert.ok(pauses > 10);
    assert.equal(found, whole);
    assert.equal(detector.counters(), plain.counters());
  }
});

detecting("reports a flood of held matches piece by piece too", async () => {
  const pack = await packageFromMemory(await fakePack(EVERY_KIND));
  const letters = Array.from({ length: 94 }, (_, at) => String.fromCharCode(33 + at)).filter(
    (one) => !'"?\\!'.includes(one),
  );
  // All keys of one event are held until one deadline: nothing but time completes them.
  const event = (t: number): string => `{"t":${t},"p":"0","k":"${letters.join("")}"}\n`;
  const later = Array.from({ length: 100 }, (_, second) => `{"t":${second * 1000}}\n`).join("");
  const bytes = Buffer.from(`${event(0)}${event(1)}${event(2)}${event(3)}${event(4)}${later}`);
  let since = 0;
  let most = 0;
  let alerts = 0;
  const detector = createDetector(pack, {
    latenessNs: 0n,
    onAlert() {
      alerts++;
      since++;
      most = Math.max(most, since);
    },
  });
  for (const _ of detector.feedInSteps(bytes, { file: "f", firstLine: 1 })) since = 0;
  assert.ok(alerts >= PAUSE_AFTER && most === PAUSE_AFTER, `${alerts} alerts, ${most} at once`);
});

detecting("says when it is misused, and when the module fails", async () => {
  const pack = await packageFromMemory(await fakePack(EVERY_KIND));
  const detector = createDetector(pack, { latenessNs: 0n, onAlert: () => undefined });
  assert.throws(() => detector.feed(Buffer.from("{}"), { file: "f", firstLine: 1 }), /must end with a line feed/);
  assert.is(detector.feed(Buffer.alloc(0), { file: "f", firstLine: 1 }), 0);
  const noTests = { predicate: 0, stages: [] };
  const event: EvidenceEvent = {
    ordinal: 0,
    ts: 0n,
    tie: null,
    bytes: Buffer.from("{}"),
    format: "json",
    lineage: null,
    file: "f",
    fileLine: 1,
  };
  assert.throws(() => detector.ask(noTests, event, []), /no late tests/);
  const failing = Buffer.from('{"t":1}\n{"!":1,"t":2}\n');
  const isModuleError = (error: unknown): boolean => error instanceof ModuleError;
  assert.throws(() => detector.feed(failing, { file: "f", firstLine: 1 }), isModuleError);
  assert.throws(() => detector.feed(failing, { file: "f", firstLine: 1 }), isModuleError);
  assert.throws(() => detector.finish(), isModuleError);
});

detecting.run();
