// From detections to sinks that take their time: what is held in between stays below a bound, and nothing is lost.

import { Writable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { detectionToAlert } from "@kestrel/runtime/alert/detection-to-alert";
import {
  type Alert,
  alertToJson,
  createDelivery,
  createDetector,
  type Detection,
  type Package,
  packageFromMemory,
  type Sink,
  SinkError,
  streamOutput,
  textSink,
} from "@kestrel/runtime/index";
import { PAUSE_AFTER } from "@kestrel/runtime/lane/lane";
import { PIECE } from "@kestrel/runtime/sink/text-output";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { fakePack, fakeProgram, fakeRule, fakeStage } from "./support/fake-pack.js";

const delivery = suite("delivery");

const RULES = 6;

/** Five rules that every event with a predicate 0 matches, and a sequence that every such event begins and none ends. */
function floodPack(): Promise<Package> {
  const rules = Array.from({ length: RULES }, (_, at) => fakeRule(`r${at}`, at === 5 ? "sequence" : "event"));
  const stages = [fakeStage(1), fakeStage(2, { missing: true })];
  return fakePack({
    rules,
    predicates: [[0, 1, 2, 3, 4], [], []],
    programs: [fakeProgram({ rule: 5, kind: "sequence", maxspanNs: 1n, stages })],
  }).then(packageFromMemory);
}

/** One chunk that is far smaller than what is said of it. */
function flood(count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, at) => `{"t":${at},"p":"01","k":"a"}\n`).join(""));
}

/** All alerts as text, made without anybody waiting. */
function expectedText(pack: Package, bytes: Buffer, latenessNs: bigint | null): string {
  let text = "";
  const onAlert = (found: Detection): void => {
    text += `${alertToJson(detectionToAlert(found, pack.manifest))}\n`;
  };
  const detector = createDetector(pack, { latenessNs, inOrder: latenessNs === null, onAlert });
  detector.feed(bytes, { file: "f", firstLine: 1 });
  detector.finish();
  return text;
}

for (const [where, latenessNs] of [
  ["within one chunk", 0n],
  ["in finish", null],
] as const) {
  delivery(`holds little while a slow stream takes a flood that comes ${where}`, async () => {
    const pack = await floodPack();
    const bytes = flood(1500);
    let written = "";
    let queued = 0;
    const slow = new Writable({
      decodeStrings: false,
      write(text: string, _, done) {
        void turn().then(() => {
          written += text;
          queued -= text.length;
          done();
        });
      },
    });
    // What was found and has not reached the stream, and what the stream holds.
    let found = 0;
    let taken = 0;
    let mostFound = 0;
    let mostQueued = 0;
    let longest = 0;
    const write = slow.write.bind(slow) as (text: string, done: () => void) => boolean;
    slow.write = ((text: string, done: () => void) => {
      queued += text.length;
      mostQueued = Math.max(mostQueued, queued);
      return write(text, done);
    }) as typeof slow.write;
    const sink = textSink(
      streamOutput(slow, () => undefined),
      (alert) => {
        taken++;
        const text = `${alertToJson(alert)}\n`;
        longest = Math.max(longest, text.length);
        return text;
      },
    );
    const out = createDelivery(pack.manifest, [sink]);
    const detector = createDetector(pack, {
      latenessNs,
      inOrder: latenessNs === null,
      onAlert(detection) {
        found++;
        mostFound = Math.max(mostFound, found - taken);
        out.onAlert(detection);
      },
    });
    await out.run(detector.feedInSteps(bytes, { file: "f", firstLine: 1 }));
    const during = taken;
    await out.run(detector.finishInSteps());
    await out.flush();
    await out.close();
    assert.is(written, expectedText(pack, bytes, latenessNs));
    assert.ok(written.length > 20 * PIECE, `${written.length} characters are no flood`);
    assert.ok(latenessNs === null ? during === 0 : during > taken - PAUSE_AFTER, `${during} of ${taken} in the chunk`);
    assert.ok(mostFound <= PAUSE_AFTER + RULES, `${mostFound} detections were held`);
    assert.ok(mostQueued <= PIECE + longest, `${mostQueued} characters were held`);
  });
}

/** A sink that has written what it took when it is told so, and remembers it. */
function recordingSink(write: (alert: Alert) => Promise<void>): Sink & { readonly taken: string[] } {
  const taken: string[] = [];
  return {
    taken,
    async write(alert) {
      taken.push(alert.id);
      await write(alert);
    },
    flush: async () => undefined,
    close: async () => undefined,
  };
}

delivery("waits for every sink, and gives each of them every alert in order", async () => {
  const pack = await floodPack();
  let underWay = 0;
  const slow = recordingSink(async () => {
    underWay++;
    assert.is(underWay, 1);
    await turn();
    underWay--;
  });
  const quick = recordingSink(async () => undefined);
  const out = createDelivery(pack.manifest, [slow, quick]);
  const detector = createDetector(pack, { latenessNs: 0n, onAlert: out.onAlert });
  assert.is(await out.run(detector.feedInSteps(flood(200), { file: "f", firstLine: 1 })), 200);
  await out.run(detector.finishInSteps());
  assert.is(slow.taken.length, detector.counters().alerts);
  assert.ok(slow.taken.length > 1000);
  assert.equal(quick.taken, slow.taken);
});

delivery("ends with the error of a sink", async () => {
  const pack = await floodPack();
  const full = new Writable({
    write(_text, _encoding, done) {
      done(Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" }));
    },
  });
  const output = streamOutput(full, () => undefined);
  const out = createDelivery(pack.manifest, [textSink(output, alertToJson)]);
  const detector = createDetector(pack, { latenessNs: 0n, onAlert: out.onAlert });
  const run = async (): Promise<void> => {
    await out.run(detector.feedInSteps(flood(1500), { file: "f", firstLine: 1 }));
  };
  const error = await run().then(
    () => null,
    (caught: unknown) => caught,
  );
  assert.instance(error, SinkError);
  assert.is((error as SinkError).message, "cannot write to standard output: ENOSPC: no space left on device");
});

delivery("goes on quietly when nobody reads any more", async () => {
  const pack = await floodPack();
  let closed = 0;
  const gone = new Writable({
    write(_text, _encoding, done) {
      done(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
    },
  });
  const output = streamOutput(gone, () => {
    closed++;
  });
  const out = createDelivery(pack.manifest, [textSink(output, alertToJson)]);
  const detector = createDetector(pack, { latenessNs: null, onAlert: out.onAlert });
  await out.run(detector.feedInSteps(flood(1500), { file: "f", firstLine: 1 }));
  await out.run(detector.finishInSteps());
  await out.flush();
  assert.is(closed, 1);
  assert.ok(detector.counters().alerts > 5000);
});

delivery("a sink that fails costs the others nothing", async () => {
  const pack = await floodPack();
  const bytes = flood(1500);
  let text = "";
  let refused = 0;
  const healthy = textSink(
    {
      write: async (more) => {
        text += more;
      },
      flush: async () => undefined,
      close: async () => undefined,
    },
    (alert) => `${alertToJson(alert)}\n`,
  );
  const broken: Sink = {
    write: async () => {
      refused++;
      throw new SinkError("no room");
    },
    flush: async () => undefined,
    close: async () => undefined,
  };
  const told: unknown[] = [];
  const one = createDelivery(pack.manifest, [broken, healthy], (error) => told.push(error));
  const detector = createDetector(pack, { latenessNs: 0n, onAlert: one.onAlert });
  await one.run(detector.feedInSteps(bytes, { file: "f", firstLine: 1 }));
  await one.run(detector.finishInSteps());
  await one.close();
  assert.is(text, expectedText(pack, bytes, 0n));
  assert.is(refused, 1, "a sink that failed is not written to again");
  assert.equal(
    told.map((error) => (error as Error).message),
    ["no room"],
  );
  assert.is((one.failure as Error).message, "no room");
});

delivery("the last sink that fails ends the run", async () => {
  const pack = await floodPack();
  const broken: Sink = {
    write: () => Promise.reject(new SinkError("no room")),
    flush: async () => undefined,
    close: async () => undefined,
  };
  const one = createDelivery(pack.manifest, [broken], () => assert.unreachable("no other goes on"));
  const detector = createDetector(pack, { latenessNs: 0n, onAlert: one.onAlert });
  let message = "";
  await one.run(detector.feedInSteps(flood(10), { file: "f", firstLine: 1 })).catch((error: Error) => {
    message = error.message;
  });
  assert.is(message, "no room");
});

delivery("what was found before a step failed is handed out, and written when the sinks are closed", async () => {
  const pack = await floodPack();
  const bytes = flood(3);
  let written = "";
  const stream = new Writable({
    decodeStrings: false,
    write(text: string, _, done) {
      written += text;
      done();
    },
  });
  const sink = textSink(
    streamOutput(stream, () => undefined),
    (alert) => `${alertToJson(alert)}\n`,
  );
  const one = createDelivery(pack.manifest, [sink]);
  const detector = createDetector(pack, { latenessNs: 0n, onAlert: one.onAlert });
  function* failing(): Generator<void, void, void> {
    detector.feed(bytes, { file: "f", firstLine: 1 });
    detector.finish();
    if (written === "") throw new Error("the module failed");
    yield;
  }
  let message = "";
  await one.run(failing()).catch((error: Error) => {
    message = error.message;
  });
  await one.close();
  assert.is(message, "the module failed");
  assert.is(written, expectedText(pack, bytes, 0n));
  assert.ok(written !== "");
});

delivery.run();
