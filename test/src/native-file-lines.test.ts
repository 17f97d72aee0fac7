// Records of files and of actions, made by hand, → their lines; without a kernel. Skipped with a line where the addon is not built.

import {
  ACTION_SIZES,
  actionRecord,
  CLASS,
  FILE_SIZE,
  type FileRecord,
  FLAG,
  fileRecord,
  forkRecord,
  HOST,
  inRow,
  KNOWS,
} from "@kestrel/native/records";
import type { EbpfAddon } from "@kestrel/runtime/ebpf/load-addon";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";
import { addonOrReason, type LiveEvent, runOrSkip } from "./support/ebpf.js";
import { strictJson } from "./support/strict-json.js";

const lines = suite("native file lines");
runOrSkip(lines, addonOrReason(), defineTests);

function lineOf(addon: EbpfAddon, record: Buffer): LiveEvent {
  const { lines: made, malformed } = addon.linesOf(inRow([record]), HOST, 0n);
  assert.is(malformed, 0);
  const text = Buffer.from(made).toString();
  assert.ok(text.endsWith("\n") && text.indexOf("\n") === text.length - 1, text);
  strictJson(text);
  return JSON.parse(text) as LiveEvent;
}

function defineTests(addon: EbpfAddon): void {
  const renamed = (file: FileRecord): LiveEvent => lineOf(addon, fileRecord(CLASS.rename, file));

  lines("a given path is joined to its directory, and certain where no link can have led elsewhere", () => {
    const cases: readonly (readonly [base: string, given: string, path: string, certain: boolean])[] = [
      ["/home/x", "name", "/home/x/name", true],
      ["/home/x", "./name", "/home/x/name", true],
      ["/home/x", "../name", "/home/name", true],
      ["/home/x", "../../../../name", "/name", true],
      ["/home/x", "..", "/home", true],
      ["/home/x", ".", "/home/x", true],
      ["/home/x", "", "/home/x", true],
      ["/home/x", "a/b", "/home/x/a/b", false],
      ["/home/x", "a/../b", "/home/x/b", false],
      ["/home/x", "a//.//b", "/home/x/a/b", false],
      ["/home/x", "name/", "/home/x/name", false],
      ["/", "name", "/name", true],
      ["/", "..", "/", true],
      ["", "/name", "/name", true],
      ["", "/", "/", true],
      ["", "//a///b/", "/a/b", false],
      ["/ignored", "/a", "/a", true],
      ["", "lost", "/lost", false],
    ];
    for (const [base, given, path, certain] of cases) {
      const event = lineOf(
        addon,
        fileRecord(CLASS.delete, { knows: KNOWS.given, path: Buffer.from(given), base: Buffer.from(base) }),
      );
      assert.is(event.file?.path, path, `${given} from ${base}`);
      assert.is(event.kestrel.flags === undefined, certain, `${given} from ${base}`);
      if (!certain) assert.equal(event.kestrel.flags, ["path_unresolved"]);
    }
    const followed = lineOf(
      addon,
      fileRecord(CLASS.mode, {
        ...{ knows: KNOWS.given | KNOWS.followed | KNOWS.permissions, mode: 0o4755 },
        ...{ path: Buffer.from("name"), base: Buffer.from("/tmp") },
      }),
    );
    assert.equal(followed.kestrel.flags, ["path_unresolved"]);
    assert.is(followed.file?.mode, "4755");
    assert.is(followed.file?.type, undefined);
  });

  lines("names, directories and extensions are those of the path", () => {
    const cases = [
      ["/etc/cron.d/job", "job", undefined, "/etc/cron.d"],
      ["/a.tar.gz", "a.tar.gz", "gz", "/"],
      ["/x/.bashrc", ".bashrc", undefined, "/x"],
      ["/x/.a.b", ".a.b", "b", "/x"],
      ["/x/end.", "end.", undefined, "/x"],
      ["/", "/", undefined, "/"],
    ] as const;
    for (const [path, name, extension, directory] of cases) {
      const { file } = lineOf(addon, fileRecord(CLASS.modify, { path: Buffer.from(path) }));
      assert.equal([file?.path, file?.name, file?.extension, file?.directory], [path, name, extension, directory]);
    }
  });

  lines("kinds of files are told from their modes", () => {
    const kinds = { file: 8, dir: 4, symlink: 10, fifo: 1, socket: 12, char_device: 2, block_device: 6 };
    for (const [type, kind] of Object.entries(kinds)) {
      const path = Buffer.from("/x");
      const { file } = lineOf(addon, fileRecord(CLASS.open, { path, mode: (kind << 12) | 0o640, knows: KNOWS.inode }));
      assert.equal([file?.type, file?.mode], [type, "0640"]);
    }
    const odd = lineOf(addon, fileRecord(CLASS.open, { mode: 0x3fff, knows: KNOWS.inode, inode: 2n ** 64n - 1n }));
    assert.is(odd.file?.type, undefined);
    assert.is(odd.file?.inode, "18446744073709551615");
  });

  lines("what could not be read is null, and said", () => {
    const event = renamed({ knows: KNOWS.given | KNOWS.originalGiven, flags: FLAG.pathUnread | FLAG.pathCut });
    assert.equal(event.file, { path: null, Ext: { original: { path: null } } });
    assert.equal(event.kestrel.flags, ["path_cut", "path_unread"]);
    const memory = lineOf(
      addon,
      actionRecord("mmap", () => undefined, { flags: FLAG.mappingUnknown }),
    );
    assert.equal(memory.kestrel.flags, ["mapping_unknown"]);
  });

  lines("any bytes make a line, and the longest have their place", () => {
    const random = createRandom(9);
    const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random.below(256)));
    const all = KNOWS.given | KNOWS.originalGiven | KNOWS.inode;
    for (let round = 0; round < 500; round++) {
      const some = (): Buffer => bytes(random.below(40));
      const knows = random.below(32);
      const what = random.below(7);
      renamed({ knows, what, path: some(), base: some(), original: some(), originalBase: some() });
    }
    for (const byte of [1, 0x2f, 0xff]) {
      const worst = Buffer.alloc(4096, byte);
      renamed({ knows: all, path: worst, base: worst, original: worst, originalBase: worst });
      renamed({ knows: 0, path: worst, original: worst });
    }
    const extension = Buffer.concat([Buffer.from("/x."), Buffer.alloc(253, 1)]);
    assert.is(renamed({ path: extension, original: extension }).file?.extension?.length, 253);
    for (const name of Object.keys(ACTION_SIZES) as (keyof typeof ACTION_SIZES)[]) {
      for (let round = 0; round < 50; round++) {
        // A text within the record is no part of this: that of a module begins and ends where the record does.
        const event = lineOf(
          addon,
          actionRecord(name, (record) => {
            bytes(record.length - 184).copy(record, 184);
            if (name === "module") record.writeUInt32LE(0, 264);
          }),
        );
        assert.ok(event.event.category?.includes("process"), name);
      }
    }
  });

  lines("records that are cut short or lie are malformed, and the next is read", () => {
    const file = fileRecord(CLASS.create, { path: Buffer.from("/x") });
    const wrong: [string, Buffer][] = [];
    for (const at of [224, 228, 232, 236]) {
      for (const [what, offset, length] of [
        ["begins behind the end", file.length + 1, 0],
        ["ends behind the end", 0, file.length + 1],
        ["is far away", 0xffff, 0xffff],
      ] as const) {
        const record = Buffer.from(file);
        record.writeUInt16LE(offset, at);
        record.writeUInt16LE(length, at + 2);
        wrong.push([`the text at ${at} ${what}`, record]);
      }
    }
    const sizes: readonly (readonly [number, number])[] = [
      ...[10, 11, 12, 13, 14, 15].map((kind) => [kind, FILE_SIZE] as const),
      ...Object.entries(ACTION_SIZES).map(([name, size]) => [CLASS[name as keyof typeof CLASS], size] as const),
    ];
    for (const [kind, size] of sizes) {
      const short = Buffer.alloc(size - 1);
      short.writeUInt32LE(size - 1, 0);
      short.writeUInt16LE(kind, 4);
      wrong.push([`class ${kind} cut short`, short]);
    }
    wrong.push(["the path of a module", actionRecord("module", (record) => record.writeUInt16LE(273, 264))]);
    const ok = forkRecord({ pid: 5 });
    for (const [what, record] of wrong) {
      const { lines: made, malformed } = addon.linesOf(inRow([ok, record, ok]), HOST, 0n);
      assert.is(malformed, 1, what);
      const found = Buffer.from(made).toString().trimEnd().split("\n");
      assert.equal(
        found.map((line) => (JSON.parse(line) as LiveEvent).event.sequence),
        [0, 1],
        what,
      );
    }
  });

  lines("modules are drivers, with the file where there is one", () => {
    const path = Buffer.from("/lib/modules/x.ko");
    const record = Buffer.concat([
      actionRecord("module", (fixed) => {
        fixed.write("rootkit", 200);
        fixed.writeUInt16LE(272, 264);
        fixed.writeUInt16LE(path.length, 266);
      }),
      path,
    ]);
    record.writeUInt32LE(record.length, 0);
    const event = lineOf(addon, record);
    assert.equal([event.event.category, event.event.action], [["driver", "process"], "load_module"]);
    assert.equal([event.driver?.name, event.file?.path, event.file?.name], ["rootkit", "/lib/modules/x.ko", "x.ko"]);
    assert.is(lineOf(addon, actionRecord("module")).file, undefined);
  });
}
