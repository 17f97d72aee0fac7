// What processes in a cgroup of the test's own do with sockets, against what a collector says of it. All of it is on loopback.

import { once } from "node:events";
import { existsSync } from "node:fs";
import type { EbpfAddon } from "@kestrel/runtime/ebpf/load-addon";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  DNS_HEADER_SIZE,
  DNS_TYPE,
  dnsHeader,
  dnsQuestion,
  dnsResource,
  pointerTo,
  wireName,
} from "./support/dns-packets.js";
import {
  collectWhile,
  type LiveEvent,
  type LiveRun,
  liveAddonOrReason,
  makeCgroup,
  runOrSkip,
} from "./support/ebpf.js";
import { assertAccounted, eventsOf } from "./support/live-events.js";

const live = suite("native live network");
runOrSkip(live, liveAddonOrReason(), defineLiveTests);

function defineLiveTests(addon: EbpfAddon): void {
  const cgroup = makeCgroup();
  live.after(() => cgroup.remove());
  const events = ["connect", "accept", "disconnect", "bind", "listen", "dns"] as const;
  const confined = { cgroup: cgroup.path, events };
  // Not one that is a script which looks for another.
  const python = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
  const imports = "import errno, os, socket, sys, time\n";

  interface PythonRun extends LiveRun {
    readonly pid: number;
    /** The numbers that the program printed. */
    readonly said: readonly number[];
  }
  /** What is seen of a program in Python, run in the cgroup, behind `before` if that is given. */
  const seenOf = async (program: string, before: readonly string[] = []): Promise<PythonRun> => {
    let pid = 0;
    let said: number[] = [];
    const run = await collectWhile(addon, confined, async () => {
      const ended = await cgroup.run([...before, python, "-c", imports + program]);
      assert.is(ended.code, 0, "the program failed");
      pid = ended.pid;
      said = ended.output.split(/\s+/).filter(Boolean).map(Number);
    });
    assertAccounted(run, events);
    return { ...run, pid, said };
  };
  const shown = ({ event, source, destination, network }: LiveEvent): unknown[] => [
    ...[event.action, source && `${source.ip} ${source.port}`, destination && `${destination.ip} ${destination.port}`],
    ...[network?.transport, network?.type, network?.direction],
  ];

  live("a connection is seen at both ends, from bind to close", async () => {
    for (const [family, at, to, type] of [
      ["AF_INET", "127.0.0.1", "127.0.0.1", "ipv4"],
      ["AF_INET6", "::1", "::1", "ipv6"],
    ]) {
      const { events, pid, said } = await seenOf(`
s = socket.socket(socket.${family}); s.bind(("${at}", 0)); s.listen(5)
c = socket.socket(socket.${family}); c.connect(("${to}", s.getsockname()[1])); a, _ = s.accept()
print(s.getsockname()[1], c.getsockname()[1], flush=True)
c.close(); a.close(); s.close()`);
      const [server, client] = said;
      const ends = [`${to} ${client}`, `${to} ${server}`];
      assert.equal(events.slice(0, 4).map(shown), [
        ["bound-socket", `${at} ${server}`, undefined, "tcp", type, undefined],
        ["listen-for-connections", `${at} ${server}`, undefined, "tcp", type, undefined],
        ["connection_attempted", ...ends, "tcp", type, "egress"],
        ["connection_accepted", ...ends, "tcp", type, "ingress"],
      ]);
      // Which end is done first is not said.
      const closed = events.slice(4).map(shown).sort();
      assert.equal(closed, [
        ["disconnect_received", ...ends, "tcp", type, "egress"],
        ["disconnect_received", ...ends, "tcp", type, "ingress"],
      ]);
      for (const event of events) assert.is(event.process.pid, pid);
      assert.is(new Set(events.map(({ process }) => process.entity_id)).size, 1);
    }
  });

  live("a mapped address is one of version 4, on each way to connect", async () => {
    const { events, said } = await seenOf(`
s = socket.socket(socket.AF_INET6); s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0); s.bind(("::", 0)); s.listen(5)
c = socket.socket(socket.AF_INET6); c.connect(("::ffff:127.0.0.1", s.getsockname()[1])); s.accept()
n = socket.socket(); n.setblocking(False)
assert n.connect_ex(("127.0.0.1", s.getsockname()[1])) == errno.EINPROGRESS
s.accept()
print(s.getsockname()[1], c.getsockname()[1], n.getsockname()[1])`);
    const [server, client, other] = said;
    const of = (action: string) =>
      events.filter(({ event }) => event.action === action).map((one) => shown(one).slice(1));
    const ends = [client, other].map((port) => [`127.0.0.1 ${port}`, `127.0.0.1 ${server}`, "tcp", "ipv4"]);
    assert.equal(
      of("connection_attempted"),
      ends.map((one) => [...one, "egress"]),
    );
    assert.equal(
      of("connection_accepted"),
      ends.map((one) => [...one, "ingress"]),
    );
  });

  live("what is refused or has no route is an attempt, once, and no disconnect", async () => {
    const refused = await seenOf(`
s = socket.socket(); s.bind(("127.0.0.1", 0)); port = s.getsockname()[1]; s.close()
c = socket.socket(); assert c.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED; c.close()
print(port)`);
    const [attempt, ...more] = refused.events.filter(({ event }) => event.action !== "bound-socket");
    assert.is(more.length, 0);
    assert.is(attempt?.event.action, "connection_attempted");
    assert.is(attempt?.destination?.port, refused.said[0]);
    assert.ok((attempt?.source?.port ?? 0) > 0);

    // Two attempts of one socket in a network of its own, where even loopback is down: nothing can leave.
    const lost = await seenOf(
      `
c = socket.socket()
for address in ("198.51.100.1", "198.51.100.2"): assert c.connect_ex((address, 9)) == errno.ENETUNREACH
c.close()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); assert u.connect_ex(("198.51.100.3", 9)) == errno.ENETUNREACH`,
      ["unshare", "--net"],
    );
    assert.equal(lost.events.map(shown), [
      ["connection_attempted", undefined, "198.51.100.1 9", "tcp", "ipv4", "egress"],
      ["connection_attempted", undefined, "198.51.100.2 9", "tcp", "ipv4", "egress"],
      ["connection_attempted", undefined, "198.51.100.3 9", "udp", "ipv4", "egress"],
    ]);
  });

  live("a socket of UDP connects, but not to port 0, and what it sends is no event", async () => {
    const { events } = await seenOf(`
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.connect(("127.0.0.1", 9)); u.send(b"x")
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); six.connect(("::1", 9)); six.connect(("::1", 0))
n = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); n.sendto(b"x", ("127.0.0.1", 9))`);
    assert.equal(events.map(shown), [
      ["connection_attempted", undefined, "127.0.0.1 9", "udp", "ipv4", "egress"],
      ["connection_attempted", undefined, "::1 9", "udp", "ipv6", "egress"],
    ]);
  });

  live("each event is of the process that does it, a close of the one that connected or accepted", async () => {
    // The parent listens and connects, the child accepts; the parent has gone when its connection ends.
    const run = await seenOf(`
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(5)
if os.fork() == 0:
    a, _ = s.accept(); print(os.getpid(), flush=True)
    while a.recv(100): pass
    time.sleep(0.1); os._exit(0)
c = socket.create_connection(s.getsockname()); c.send(b"x"); time.sleep(0.1)
os._exit(0)`);
    const [child = 0] = run.said;
    const of = (action: string) =>
      eventsOf(run, action).map(({ process, network }) => [process.pid, network?.direction]);
    assert.equal(of("listen-for-connections"), [[run.pid, undefined]]);
    assert.equal(of("connection_attempted"), [[run.pid, "egress"]]);
    assert.equal(of("connection_accepted"), [[child, "ingress"]]);
    assert.equal(
      of("disconnect_received").sort(),
      [
        [run.pid, "egress"],
        [child, "ingress"],
      ].sort(),
    );
    const [accepted] = eventsOf(run, "connection_accepted");
    assert.is(accepted?.process.parent?.pid, run.pid);
  });

  live("a query and its answer are of the process that asked", async () => {
    const query = Buffer.concat([dnsHeader({ id: 4660 }), dnsQuestion(wireName("a.b", "example"), DNS_TYPE.AAAA)]);
    const name = pointerTo(DNS_HEADER_SIZE);
    const answer = Buffer.concat([
      dnsHeader({ id: 4660, answer: true, answers: 2 }),
      dnsQuestion(wireName("a.b", "example"), DNS_TYPE.AAAA),
      dnsResource(name, DNS_TYPE.A, Buffer.from([192, 0, 2, 1])),
      dnsResource(name, DNS_TYPE.AAAA, Buffer.from("20010db8000000000000000000000001", "hex")),
    ]);
    // Port 53 of a network of its own. Sent to with and without connecting, and with more than a record holds.
    const run = await seenOf(
      `
import fcntl, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 1))
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); server.bind(("127.0.0.1", 53))
child = os.fork()
if child == 0:
    for _ in range(2):
        _, peer = server.recvfrom(2048); server.sendto(bytes.fromhex("${answer.toString("hex")}"), peer)
    _, peer = server.recvfrom(4096)
    os._exit(0)
q = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
q.sendto(bytes.fromhex("${query.toString("hex")}"), ("127.0.0.1", 53)); q.recv(2048)
c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); c.connect(("127.0.0.1", 53))
c.send(bytes.fromhex("${query.toString("hex")}")); c.recv(2048)
c.send(bytes.fromhex("${query.toString("hex")}") + bytes(2000))
os.waitpid(child, 0)
print(q.getsockname()[1], c.getsockname()[1])`,
      ["unshare", "--net"],
    );
    const dns = run.events.filter(({ network }) => network?.protocol === "dns");
    assert.equal(
      dns.map(({ event, source, process }) => [event.action, source?.port, process.pid]),
      [
        ["lookup_requested", run.said[0], run.pid],
        ["lookup_result", run.said[0], run.pid],
        ["lookup_requested", run.said[1], run.pid],
        ["lookup_result", run.said[1], run.pid],
        ["lookup_requested", run.said[1], run.pid],
      ],
    );
    const question = { name: "a\\.b.example", type: "AAAA", class: "IN" };
    assert.equal(dns[0]?.dns, { id: "4660", type: "query", question });
    assert.equal(dns[1]?.dns, {
      ...{ id: "4660", type: "answer", question, response_code: "NOERROR", answers_count: 2 },
      resolved_ip: ["192.0.2.1", "2001:db8::1"],
    });
    assert.equal(dns[0]?.destination, { ip: "127.0.0.1", address: "127.0.0.1", port: 53 });
    assert.equal(dns[4]?.kestrel.flags, ["packet_cut"]);
    assert.is(dns[4]?.kestrel.packet_size, query.length + 2000);
    assert.equal(dns[4]?.dns?.question, question);
  });

  live("of a burst every event is there", async () => {
    const rounds = 500;
    const { counters } = await seenOf(`
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(5)
for _ in range(${rounds}):
    c = socket.create_connection(s.getsockname()); a, _ = s.accept(); c.close(); a.close()
q = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(${rounds}):
    try: q.sendto(bytes(12), ("127.0.0.1", 53))
    except ConnectionRefusedError: q.sendto(bytes(12), ("127.0.0.1", 53))`);
    assert.equal(
      [counters.connect, counters.accept, counters.disconnect, counters.dns].map(({ made }) => made),
      [rounds, rounds, 2 * rounds, rounds],
    );
  });

  live("of a burst beyond the ring what was received and what was dropped is what was made", async () => {
    const rounds = 500;
    const options = { ...confined, ringBytes: 4096, intervalMicroseconds: 200_000 };
    const run = await collectWhile(addon, options, async () => {
      const program = `
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(5)
for _ in range(${rounds}):
    c = socket.create_connection(s.getsockname()); a, _ = s.accept(); c.close(); a.close()`;
      await cgroup.run([python, "-c", imports + program]);
    });
    assertAccounted(run, events);
    assert.equal([run.counters.connect.made, run.counters.disconnect.made], [rounds, 2 * rounds]);
    assert.ok(run.counters.connect.dropped > 0);
  });

  live("without programs of cgroups connecting and listening are still seen", async () => {
    const run = await collectWhile(addon, { ...confined, programs: ["on_syn_sent", "on_listen_state"] }, async () => {
      const program = `
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(5); c = socket.create_connection(s.getsockname())`;
      await cgroup.run([python, "-c", imports + program]);
    });
    assertAccounted(run, events);
    assert.equal(
      run.events.map(({ event, source, destination }) => [event.action, source !== undefined, destination?.ip]),
      [
        ["listen-for-connections", true, undefined],
        ["connection_attempted", false, "127.0.0.1"],
      ],
    );
  });

  live("the collector's own connections are not reported, unconfined too", async () => {
    const { createServer, connect } = await import("node:net");
    let port = 0;
    const run = await collectWhile(addon, { events }, async () => {
      const server = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
      await once(server, "listening");
      ({ port } = server.address() as { port: number });
      await once(connect(port, "127.0.0.1").resume(), "close");
      await cgroup.run([python, "-c", `${imports}socket.create_connection(("127.0.0.1", ${port})).close()`]);
      server.close();
      await once(server, "close");
    });
    const seen = run.events.filter(({ source, destination }) => source?.port === port || destination?.port === port);
    const pids = new Set(seen.map(({ process }) => process.pid));
    assert.not(pids.has(process.pid));
    assert.is(seen.filter(({ event }) => event.action === "connection_attempted").length, 1);
  });
}
