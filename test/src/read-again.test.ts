// Lines of files that wait for the end of the stream are read again instead of being held (runtime/src/read/read-again.ts): what is found, and its
// evidence to the byte, is what is found with every line held, whatever the files look like; and what was changed meanwhile is missed loudly.

import { spawnSync } from "node:child_process";
import { mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compilePack, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { buildPackage } from "@kestrel/compiler/package/build-package";
import { partsOf } from "@kestrel/compiler/package/pack-parts";
import { writePackage } from "@kestrel/compiler/package/write-package";
import { createDetector, type DetectorCounters } from "@kestrel/runtime/engine/detector";
import { type ReadOptions, readChunks } from "@kestrel/runtime/read/lines";
import { createFilesAgain, type FilesAgain, sumOf } from "@kestrel/runtime/read/read-again";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom, type Random } from "./generate/random.js";
import { compileForTest, ruleOf } from "./support/run-pack.js";

const again = suite("read again");
const folder = mkdtempSync(join(tmpdir(), "kestrel-again-"));
again.after(() => rmSync(folder, { recursive: true }));

const { pack, rules } = await compileForTest(
  [
    ruleOf("descendant", 'any where descendant of [process where process.name == "a"]'),
    ruleOf("child", 'file where child of [process where process.name == "b"] and file.name == "f"'),
  ],
  DEFAULT_OPTIONS,
);

/** Events of which some are of processes that are marked by an event that stands behind them; lines of every length. */
function eventLines(random: Random, count: number): string[] {
  return Array.from({ length: count }, (_, at) => {
    const pid = 1 + random.below(9);
    const isFile = random.chance(0.4);
    return JSON.stringify({
      "@timestamp": 1_700_000_000_000 + random.below(count) * 1000,
      host: { id: "h" },
      event: { category: isFile ? "file" : "process", type: random.pick(["start", "info"]) },
      process: { pid, name: random.pick(["a", "b", "c", "c", "c", "c"]), parent: { pid: 1 + random.below(9) } },
      ...(isFile ? { file: { name: random.pick(["f", "g"]) } } : {}),
      message: "é".repeat(random.below(20)) + "x".repeat(at % 17),
    });
  });
}

const packFolder = join(folder, "pack");
{
  const sources = new Map(rules.map(({ rule }) => [rule.source.file, { name: `${rule.id}.eql`, text: rule.query }]));
  const about = { name: "again", version: "1.0.0", compilerVersion: "test" };
  const { timestampField, tiebreakerField, categoryField } = DEFAULT_OPTIONS;
  const fields = { timestampField, tiebreakerField, categoryField };
  const parts = partsOf(compilePack(rules, DEFAULT_OPTIONS));
  writePackage(packFolder, buildPackage(rules, parts, sources, { ...about, ...fields }));
}

interface Outcome {
  /** Rule and text of each detection's event, by time. */
  readonly found: readonly string[];
  readonly counters: DetectorCounters;
  readonly changed: readonly string[];
  /** How many chunks were read into the module's memory. */
  readonly inPlace: number;
}

async function judge(
  paths: readonly string[],
  files: FilesAgain | null,
  { readsInPlace = false, ...options }: ReadOptions & { readonly readsInPlace?: boolean } = {},
  beforeEnd: () => void = () => undefined,
): Promise<Outcome> {
  const found: string[] = [];
  const changed: string[] = [];
  const detector = createDetector(pack, {
    latenessNs: null,
    onAlert: ({ rule, events }) =>
      found.push(
        `${rule} ${events.map((event) => `${event?.fileLine} ${Buffer.from(event?.bytes ?? []).toString()}`)}`,
      ),
    onChanged: ({ file, line }) => changed.push(`${file.slice(folder.length + 1)} ${line}`),
  });
  const buffers = readsInPlace ? detector.readBuffers(options.chunkBytes ?? 1 << 20) : [];
  const chunks = readChunks(paths, { ...options, reuse: true, buffers, ...(files === null ? {} : { again: files }) });
  let inPlace = 0;
  for await (const chunk of chunks) {
    if (chunk.bytes.buffer === buffers[0]?.buffer) inPlace++;
    detector.feed(chunk.bytes, chunk);
  }
  beforeEnd();
  detector.finish();
  await files?.close();
  return { found, counters: detector.counters(), changed, inPlace };
}

function fileOf(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

again("finds the same, byte for byte, in files of every kind", async () => {
  const random = createRandom(5);
  const lines = eventLines(random, 600);
  const long = JSON.stringify({ message: "y".repeat(3000) });
  const odd = lines.flatMap((line, at) =>
    at % 50 === 0 ? [line, "", long, "broken", ` ${line.replaceAll(",", " ,")}\r`] : [line],
  );
  const texts: Record<string, string> = {
    plain: `${lines.join("\n")}\n`,
    "no last feed": lines.join("\n"),
    mark: `\ufeff${lines.join("\n")}\n`,
    odd: odd.join("\n"),
    array: `[${lines.join(",\n")}]`,
    wrapped: lines.map((line) => `{"_index":"i","_id":"1","_source":${line}}\n`).join(""),
  };
  for (const [name, text] of Object.entries(texts)) {
    const path = fileOf(name, text);
    for (const options of [{}, { chunkBytes: 64, maxLineBytes: 2000 }, { chunkBytes: 1000, maxLineBytes: 2000 }]) {
      const held = await judge([path, path], null, options);
      const read = await judge([path, path], createFilesAgain(), options);
      assert.equal(read.found, held.found, name);
      assert.equal(read.counters, held.counters, name);
      assert.ok(held.found.length > 50, `${held.found.length} detections`);
      for (const files of [null, createFilesAgain()]) {
        const { inPlace, found, counters } = await judge([path, path], files, { ...options, readsInPlace: true });
        assert.equal([found, counters], [held.found, held.counters], name);
        assert.ok(inPlace > 0 || options.chunkBytes === 64, `${name}: nothing was read into the module's memory`);
      }
    }
  }
});

again("has no buffers where they would not fit", async () => {
  const detector = createDetector(pack, { latenessNs: null, onAlert: () => undefined });
  assert.is(detector.readBuffers(1 << 20).length, 2);
  assert.equal(detector.readBuffers(1 << 24), []);
  const [one, other] = detector.readBuffers(1000);
  // What is read behind one is not the other.
  assert.ok((other?.byteOffset ?? 0) >= (one?.byteOffset ?? 0) + 1000 + 16);
});

/** Where the lines stand that are read again, and the sums that the module gives them. */
async function readAgainOf(path: string): Promise<readonly (readonly [offset: number, sum: number])[]> {
  const sums: [number, number][] = [];
  const handles: FileHandle[] = [];
  await judge([path], {
    keep(handle) {
      handles.push(handle);
      return {
        line(offset, _, sum) {
          sums.push([offset, sum]);
          return null;
        },
      };
    },
    async close() {
      for (const handle of handles) await handle.close();
    },
  });
  return sums;
}

again("a line's sum is the same in the module and outside, and is another for another line", async () => {
  const lines = eventLines(createRandom(6), 400);
  const text = Buffer.from(`${lines.join("\n")}\n`);
  const sums = await readAgainOf(fileOf("sums", text.toString()));
  const lengths = new Set<number>();
  for (const [offset, sum] of sums) {
    const line = text.subarray(offset, text.indexOf(10, offset));
    lengths.add(line.length % 16);
    assert.is(sumOf(line), sum);
    for (let at = 0; at < line.length; at++) {
      for (let bit = 1; bit < 256; bit *= 2) {
        const other = Buffer.from(line);
        other[at] = (other[at] ?? 0) ^ bit;
        assert.is.not(sumOf(other), sum, `byte ${at}`);
      }
    }
    const swapped = Buffer.from(line);
    line.copy(swapped, 0, 16, 32);
    line.copy(swapped, 16, 0, 16);
    assert.is.not(sumOf(swapped), sum, "blocks in another order");
  }
  assert.is(lengths.size, 16);
});

again("an event whose line was changed is left out, counted and told of, and no other is", async () => {
  const lines = eventLines(createRandom(7), 300);
  const text = `${lines.join("\n")}\n`;
  const path = fileOf("changed", text);
  const whole = await judge([path], createFilesAgain());
  const lineAt = (offset: number): number => Buffer.from(text).subarray(0, offset).toString().split("\n").length;
  const readAgain = (await readAgainOf(path)).map(([offset]) => lineAt(offset));
  const line = readAgain.at(-1) ?? 0;
  const other = lines.map((one, at) => (at === line - 1 ? one.replace('"host"', '"Host"') : one));
  const told = await judge([path], createFilesAgain(), {}, () => writeFileSync(path, `${other.join("\n")}\n`));
  assert.equal([told.changed, told.counters.changed], [[`changed ${line}`], 1]);
  assert.equal(
    told.found,
    whole.found.filter((one) => Number(one.split(" ")[1]) !== line),
  );

  writeFileSync(path, text);
  const kept = Buffer.byteLength(text) >> 1;
  const cut = await judge([path], createFilesAgain(), {}, () => truncateSync(path, kept));
  const gone = readAgain.filter((one) => one >= lineAt(kept));
  assert.equal(
    cut.found,
    whole.found.filter((one) => !gone.includes(Number(one.split(" ")[1]))),
  );
  assert.is(cut.counters.changed, gone.length);
  assert.ok(gone.length > 10 && gone.length < readAgain.length, `${gone.length} of ${readAgain.length}`);
});

again("a file that was renamed, deleted or replaced is read as it was", async () => {
  const text = `${eventLines(createRandom(8), 300).join("\n")}\n`;
  const path = fileOf("moved", text);
  const whole = await judge([path], null);
  const moved = await judge([path], createFilesAgain(), {}, () => {
    renameSync(path, `${path}.1`);
    writeFileSync(path, "another");
    rmSync(`${path}.1`);
  });
  assert.equal(moved.found, whole.found);
  assert.is(moved.counters.changed, 0);
});

again("what cannot be kept open is held, and what is kept open is closed", async () => {
  const paths = [1, 2, 3].map((seed) => fileOf(`many ${seed}`, `${eventLines(createRandom(seed), 200).join("\n")}\n`));
  const held = await judge(paths, null);
  const some = await judge(paths, createFilesAgain(2));
  assert.equal(some.found, held.found);

  const files = createFilesAgain(1);
  const handle = await open(paths[0] ?? "", "r");
  const kept = files.keep(handle);
  assert.ok(kept !== null);
  assert.is(files.keep(handle), null);
  assert.is(kept.line(0, 1 << 20, 0), null);
  await files.close();
  assert.is(handle.fd, -1);
  assert.is(kept.line(0, 10, 0), null);
});

/** What `kestrel-run` prints, and how it ends, in a shell where `$RUN` calls it with the package. */
function shell(script: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const bin = fileURLToPath(new URL("../../runtime/bin/kestrel-run.js", import.meta.url));
  const env = { ...process.env, RUN: `${process.execPath} ${bin} ${packFolder}` };
  return spawnSync("bash", ["-c", script], { cwd: folder, env, encoding: "utf8", timeout: 60_000, maxBuffer: 1 << 28 });
}

again(
  "as a process: what was changed ends it with an error; pipes with a name are read whole; few files may be open",
  () => {
    const lines = eventLines(createRandom(9), 300);
    fileOf("whole.ndjson", `${lines.join("\n")}\n`);
    const whole = shell("$RUN --replay whole.ndjson");
    const found = whole.stdout.split("\n").length - 1;
    assert.equal([whole.status, found > 100], [0, true]);

    const pipe = shell("mkfifo pipe; cat whole.ndjson > pipe & $RUN --sort --replay pipe");
    assert.equal([pipe.status, pipe.stdout.split("\n").length - 1], [0, found]);

    const many = shell(
      "mkdir many; for i in $(seq 80); do cp whole.ndjson many/$i.ndjson; done; ulimit -n 80; $RUN --replay many",
    );
    assert.equal([many.status, many.stdout.split("\n").length > 80 * found], [0, true], many.stderr);

    // The second input is opened when the first has been read, and not before.
    const changed = shell(
      "mkfifo next; (exec 3> next; : > whole.ndjson; echo '{}' >&3) & $RUN --sort --replay whole.ndjson next",
    );
    assert.is(changed.status, 2);
    assert.match(
      changed.stderr,
      /error\[E_INPUT_READ\]: whole\.ndjson was changed while it was read: the event on line \d+ was left out, and \d+ events more\n/,
    );
    assert.ok(changed.stdout.split("\n").length - 1 < found);
  },
);

again.run();
