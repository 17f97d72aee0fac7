// The addon on the machine's own kernel: which paths and whose deeds its programs leave out, against the rules for both.
//
// Everything happens in cgroups of the test's own. Where the addon is not built, or eBPF is not allowed, all of it is skipped with
// one line that says why.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { EbpfAddon } from "@kestrel/runtime/ebpf/load-addon";
import { passesPrefixes } from "@kestrel/runtime/ebpf/path-prefixes";
import { thisHost } from "@kestrel/runtime/ebpf/this-host";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";
import { collectWhile, type LiveRun, liveAddonOrReason, makeCgroup, runOrSkip } from "./support/ebpf.js";
import { assertAccounted, eventsOf } from "./support/live-events.js";

const live = suite("native live filter");
runOrSkip(live, liveAddonOrReason(), defineLiveTests);

/** Of a path the kernel compares so many bytes. */
const COMPARED = 64;

/** What the kernel lets pass: the same, or more where a path is not ASCII or a prefix is long. */
function passesKernel(path: Buffer, prefixes: readonly string[]): boolean {
  if (path.subarray(0, COMPARED).some((byte) => byte >= 0x80)) return true;
  return passesPrefixes(
    path,
    prefixes.map((prefix) => prefix.slice(0, COMPARED)),
  );
}

function pathsOf(run: LiveRun, action: string, below: string): string[] {
  return eventsOf(run, action)
    .flatMap(({ file }) => file?.path ?? [])
    .filter((path) => path.startsWith(below))
    .map((path) => path.slice(below.length))
    .sort();
}

function defineLiveTests(addon: EbpfAddon): void {
  const folder = realpathSync(mkdtempSync("/tmp/kestrel-filter-"));
  const lower = folder.toLowerCase();
  const cgroup = makeCgroup();
  live.after(() => {
    execFileSync("rm", ["-rf", folder]);
    cgroup.remove();
  });

  live("no wanted path is left out, and no other is made, whatever bytes it has", async () => {
    const random = createRandom(9);
    // Neighbours of letters, letters that fold to ASCII, bytes that are no UTF-8, and dots that begin names.
    const pieces = ["a", "A", "z", "Z", "@", "[", "`", "{", "b", "-", ".", "\n", '"', "ſ", "K", "é"].map((text) =>
      Buffer.from(text),
    );
    pieces.push(Buffer.from([0xff]), Buffer.from([0x80]));
    const ascii = pieces.filter((piece) => (piece[0] ?? 0) < 0x80);
    const nameOf = (from: readonly Buffer[], most: number): Buffer =>
      Buffer.concat([Buffer.from("n"), ...Array.from({ length: random.below(most) }, () => random.pick(from))]);
    const files = new Map<string, Buffer>();
    while (files.size < 400) {
      const isAscii = random.below(2) === 0;
      // Short ones often share a prefix, long ones go beyond what is compared.
      const name = nameOf(isAscii ? ascii : pieces, random.pick([3, 4, 8, 90]));
      const path = Buffer.concat([Buffer.from(`${folder}/`), name]);
      writeFileSync(path, "");
      files.set(String(statSync(path).ino), path);
    }
    const paths = [...files.values()];
    const prefixesOf = (count: number): string[] =>
      Array.from({ length: count }, () => {
        const base = random.pick(paths).toString("latin1");
        const cut = base.slice(0, lower.length + 1 + random.below(base.length - lower.length));
        // biome-ignore lint/suspicious/noControlCharactersInRegex: what is beyond ASCII
        return cut.replace(/[^\x00-\x7f].*/s, "").toLowerCase();
      }).filter((prefix) => prefix.length > lower.length + 2);
    const list = join(folder, "list");
    writeFileSync(list, paths.map((path) => path.toString("hex")).join("\n"));
    const script =
      "import os, sys\nfor line in open(sys.argv[1]):\n  path = bytes.fromhex(line)\n" +
      "  os.close(os.open(path, os.O_WRONLY))\n  os.close(os.open(path, os.O_RDONLY))\n";
    let [passed, stopped, beyond] = [0, 0, 0];
    for (let round = 0; round < 6; round++) {
      // Two classes with prefixes of their own: what one lets pass is nothing to the other.
      const prefixes = { modify: prefixesOf(1 + random.below(12)), open: prefixesOf(1 + random.below(12)) };
      const run = await collectWhile(
        addon,
        { cgroup: cgroup.path, events: ["modify", "open"], pathPrefixes: prefixes },
        async () => assert.is((await cgroup.run(["python3", "-BSsEc", script, list], { cwd: "/" })).code, 0),
      );
      assertAccounted(run, ["modify", "open"]);
      for (const [event, action] of [
        ["modify", "modification"],
        ["open", "open"],
      ] as const) {
        const seen = new Set(eventsOf(run, action).map(({ file }) => file?.inode));
        for (const [inode, path] of files) {
          const about = `${action} of ${JSON.stringify(path.toString("latin1"))}: ${JSON.stringify(prefixes[event])}`;
          const passes = passesPrefixes(path, prefixes[event]);
          assert.ok(seen.has(inode) || !passes, `left out: ${about}`);
          assert.is(seen.has(inode), passesKernel(path, prefixes[event]), about);
          if (passes) passed++;
          else if (seen.has(inode)) beyond++;
          else stopped++;
        }
      }
      const wanted = paths.filter((path) => passesKernel(path, prefixes.modify)).length;
      assert.is(run.counters.modify.made, wanted, "what is left out is not even counted");
    }
    assert.ok(passed > 300 && stopped > 300 && beyond > 50, `${passed} pass, ${stopped} do not, ${beyond} could`);
  });

  live("what names a file relative to another, or is renamed into a wanted folder, passes", async () => {
    const cwd = join(folder, "names");
    for (const name of ["wanted", "other"]) mkdirSync(join(cwd, name), { recursive: true });
    const events = ["create", "modify", "rename", "delete", "mode"] as const;
    const prefixes = [`${cwd}/wanted/`.toLowerCase()];
    const pathPrefixes = Object.fromEntries(events.map((event) => [event, prefixes]));
    const script =
      "echo a > wanted/a; echo b > other/b; echo b >> other/b; echo a >> other/../wanted/a; ln -s wanted link; echo a >> link/a; " +
      "mv other/b wanted/b; mkdir wanted/d; rm wanted/b; " +
      'exec python3 -BSsEc \'import os; [os.fchmod(os.open(f, os.O_RDONLY), 0o600) for f in ("wanted/a", "link", "other")]\'';
    for (const programs of [[], ["on_exec", "on_fork", "on_exit", "on_exit_counted", "on_sys_exit"]]) {
      execFileSync("rm", ["-rf", ...["wanted/a", "wanted/d", "link"].map((name) => join(cwd, name))]);
      chmodSync(join(cwd, "other"), 0o700);
      const run = await collectWhile(addon, { cgroup: cgroup.path, events, programs, pathPrefixes }, async () => {
        assert.is((await cgroup.run(["/bin/sh", "-c", script], { cwd })).code, 0);
      });
      assertAccounted(run, events);
      // By its name a new link passes where nobody knows what path it has in the end.
      const created = pathsOf(run, "creation", `${cwd}/`).filter((path) => path !== "link");
      assert.equal(created, ["wanted/a", "wanted/d"]);
      assert.equal(pathsOf(run, "modification", `${cwd}/`), ["wanted/a", "wanted/a"]);
      assert.equal(pathsOf(run, "rename", `${cwd}/`), ["wanted/b"]);
      assert.equal(pathsOf(run, "deletion", `${cwd}/`), ["wanted/b"]);
      assert.equal(pathsOf(run, "attributes_modified", `${cwd}/`), ["wanted/a"]);
    }
  });

  live(
    "no prefix at all lets nothing pass, the empty one everything, and a long one is compared as far as it goes",
    async () => {
      const deep = join(folder, "d".repeat(200));
      mkdirSync(deep, { recursive: true });
      const madeWith = async (prefixes: readonly string[]): Promise<number> => {
        execFileSync("rm", ["-rf", join(deep, "file")]);
        const options = { cgroup: cgroup.path, events: ["create"], pathPrefixes: { create: prefixes } } as const;
        const run = await collectWhile(addon, options, () => cgroup.run(["/bin/sh", "-c", ': > "$0/file"', deep]));
        assertAccounted(run, ["create"]);
        return run.counters.create.made;
      };
      assert.is(await madeWith([]), 0);
      assert.is(await madeWith([""]), 1);
      assert.is(await madeWith(["/nowhere/", "/"]), 1);
      assert.is(await madeWith([`${deep.toLowerCase()}/`]), 1);
      assert.is(await madeWith([`/nowhere/${"d".repeat(200)}`]), 0);
      const many = Array.from({ length: 500 }, (_, at) => `/nowhere/${at}`);
      assert.is(await madeWith(many), 0);
      assert.is(await madeWith([...many, lower]), 1);
      const host = thisHost();
      const options = { ringBytes: 1 << 16, intervalMicroseconds: 1000, host, pathPrefixes: { exec: ["/"] } };
      assert.throws(() => new addon.Collector(options), /no paths of exec events/);
    },
  );

  live("what excluded cgroups do is not collected, nor those below them: processes, files, sockets", async () => {
    const places = Array.from({ length: 8 }, (_, at) => join(cgroup.path, `out${at}`));
    const [first = "", last = ""] = [places[0], places[7]];
    const below = join(last, "below", "it");
    for (const place of [...places, below, join(cgroup.path, "in")]) mkdirSync(place, { recursive: true });
    const server = createServer((socket) => socket.on("error", () => undefined).end()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { readonly port: number };
    const act =
      "import os, socket, sys\nopen(sys.argv[1] + str(os.getpid()), 'w').close()\n" +
      "socket.create_connection(('127.0.0.1', int(sys.argv[2]))).close()\n" +
      "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()\n" +
      "os.waitpid(os.fork() or os._exit(0), 0)";
    const script = 'echo 0 > "$0/cgroup.procs" && exec python3 -BSsEc "$1" "$2" "$3"';
    const pids = new Map<string, number>();
    const events = ["exec", "fork", "exit", "create", "connect", "bind", "listen"] as const;
    const options = { cgroup: cgroup.path, excludedCgroups: places, events };
    const run = await collectWhile(addon, options, async () => {
      for (const place of [first, last, below, join(cgroup.path, "in")]) {
        const child = spawn("/bin/sh", ["-c", script, place, act, `${folder}/by`, String(port)], { stdio: "inherit" });
        pids.set(place, child.pid ?? 0);
        assert.is((await once(child, "exit"))[0], 0);
      }
    });
    server.close();
    const watched = statSync(join(cgroup.path, "in")).ino;
    execFileSync("rmdir", [below, join(last, "below"), ...places, join(cgroup.path, "in")]);
    assertAccounted(run, events);
    const seen = new Set(run.events.map(({ process: one }) => one.pid));
    for (const place of [first, last, below]) assert.not.ok(seen.has(pids.get(place) ?? 0), place);
    const inside = pids.get(join(cgroup.path, "in")) ?? 0;
    const actions = run.events.flatMap(({ event, process: { pid } }) => (pid === inside ? [event.action] : []));
    const expected = ["bound-socket", "connection_attempted", "creation", "end", "exec", "listen-for-connections"];
    assert.equal([...new Set(actions)].sort(), expected);
    assert.ok(eventsOf(run, "fork").length > 0);
    assert.equal([...new Set(run.events.map(({ kestrel }) => kestrel.cgroup))], [watched]);
  });

  live("too many excluded cgroups, and folders that are none, are errors that name them", () => {
    const options = { ringBytes: 1 << 16, intervalMicroseconds: 1000, host: thisHost() };
    const nine = Array.from({ length: 9 }, () => cgroup.path);
    assert.throws(() => new addon.Collector({ ...options, excludedCgroups: nine }), /at most 8 cgroups .* not 9/);
    const nowhere = join(folder, "nowhere");
    assert.throws(
      () => new addon.Collector({ ...options, excludedCgroups: [nowhere] }),
      /cannot open the cgroup .*nowhere/,
    );
    const { failure } = new addon.Collector({ ...options, excludedCgroups: [cgroup.path, folder] }).report();
    assert.match(failure ?? "", /the folder to exclude, \/tmp\/kestrel-filter-.*, is no cgroup of version 2: /);
  });
}
