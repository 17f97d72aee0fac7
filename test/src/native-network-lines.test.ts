// Hand-made records of network events → lines, without a kernel: addresses, and DNS messages of any bytes.

import {
  CLASS,
  DNS_SIZE,
  type DnsRecord,
  dnsRecord,
  HOST,
  inRow,
  NETWORK_SIZE,
  PACKET_CUT,
  type SocketClass,
  socketRecord,
} from "@kestrel/native/records";
import type { EbpfAddon } from "@kestrel/runtime/ebpf/load-addon";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";
import {
  DNS_HEADER_SIZE,
  DNS_TYPE,
  dnsHeader,
  dnsQuestion,
  dnsResource,
  pointerTo,
  wireName,
} from "./support/dns-packets.js";
import { addonOrReason, type LiveEvent, runOrSkip } from "./support/ebpf.js";
import { sizeOf } from "./support/sizes.js";
import { strictJson } from "./support/strict-json.js";

const lines = suite("native network lines");
runOrSkip(lines, addonOrReason(), defineLineTests);

function defineLineTests(addon: EbpfAddon): void {
  const lineOf = (record: Buffer): LiveEvent => {
    const { lines, malformed } = addon.linesOf(inRow([record]), HOST, 0n);
    assert.is(malformed, 0);
    const text = Buffer.from(lines).toString();
    assert.ok(text.endsWith("}\n") && text.indexOf("\n") === text.length - 1, text);
    strictJson(text);
    return JSON.parse(text) as LiveEvent;
  };
  const v4 = Buffer.from([192, 0, 2, 255]);
  const v6 = Buffer.from("20010db8000000000000000000000001", "hex");
  const mapped = Buffer.from("00000000000000000000ffff7f000001", "hex");
  const end = (ip: string, port: number) => ({ ip, address: ip, port });

  lines("a socket event has both ends, from the one that began", () => {
    const ends = { local: [v4, 1], remote: [Buffer.from([127, 0, 0, 1]), 65535] } as const;
    const connect = lineOf(socketRecord("connect", ends));
    assert.equal(connect.event.category, ["network"]);
    assert.equal(connect.source, end("192.0.2.255", 1));
    assert.equal(connect.destination, end("127.0.0.1", 65535));
    assert.equal(connect.network, { transport: "tcp", type: "ipv4", direction: "egress" });
    const accept = lineOf(socketRecord("accept", { ...ends, incoming: true }));
    assert.equal(accept.destination, end("192.0.2.255", 1));
    assert.equal(accept.source, end("127.0.0.1", 65535));
    assert.is(accept.network?.direction, "ingress");
    const told = (["connect", "accept", "disconnect", "bind", "listen"] as const).map((kind) => {
      const { event } = lineOf(socketRecord(kind, ends));
      return [event.action, event.type];
    });
    assert.equal(told, [
      ["connection_attempted", ["start"]],
      ["connection_accepted", ["start"]],
      ["disconnect_received", ["end"]],
      ["bound-socket", ["info"]],
      ["listen-for-connections", ["start"]],
    ]);
  });

  lines("an end that is not known is left out, and a mapped address is one of version 4", () => {
    const udp = lineOf(socketRecord("connect", { remote: [v6, 53], version: 6, protocol: "udp" }));
    assert.is(udp.source, undefined);
    assert.equal(udp.destination, end("2001:db8::1", 53));
    assert.equal(udp.network, { transport: "udp", type: "ipv6", direction: "egress" });
    const both = lineOf(socketRecord("connect", { local: [mapped, 5], remote: [mapped, 6], version: 6 }));
    assert.equal(both.source, end("127.0.0.1", 5));
    assert.equal(both.network, { transport: "tcp", type: "ipv4", direction: "egress" });
    const bound = lineOf(socketRecord("bind", { local: [Buffer.alloc(16), 80], version: 6 }));
    assert.equal(bound.source, end("::", 80));
    assert.equal(bound.network, { transport: "tcp", type: "ipv6" });
    assert.is(bound.destination, undefined);
  });

  const www = wireName("www", "Example", "com");
  const dnsOf = (packet: Buffer, options: DnsRecord = {}) => {
    const { dns, kestrel, event, network } = lineOf(dnsRecord(packet, { local: [v4, 40000], ...options }));
    return { dns, flags: kestrel.flags, packetSize: kestrel.packet_size, event, network };
  };

  lines("a query has its name and type", () => {
    const { dns, flags, event, network } = dnsOf(
      Buffer.concat([dnsHeader({ id: 65535 }), dnsQuestion(www, DNS_TYPE.AAAA)]),
    );
    assert.is(flags, undefined);
    assert.is(event.action, "lookup_requested");
    assert.equal(event.category, ["network", "dns"]);
    assert.equal(event.type, ["protocol", "info"]);
    assert.equal(network, { transport: "udp", type: "ipv4", direction: "egress", protocol: "dns" });
    const question = { name: "www.Example.com", type: "AAAA", class: "IN" };
    assert.equal(dns, { id: "65535", type: "query", question });
    const strange = dnsOf(Buffer.concat([dnsHeader(), dnsQuestion(wireName(), 65280, 9)])).dns;
    assert.equal(strange?.question, { name: ".", type: "TYPE65280", class: "CLASS9" });
  });

  lines("an answer has its addresses, behind pointers and among records of other types", () => {
    const name = pointerTo(DNS_HEADER_SIZE);
    const packet = Buffer.concat([
      dnsHeader({ answer: true, answers: 4 }),
      dnsQuestion(www, DNS_TYPE.A),
      dnsResource(name, DNS_TYPE.CNAME, wireName("other")),
      dnsResource(pointerTo(DNS_HEADER_SIZE + 4), DNS_TYPE.A, v4),
      dnsResource(Buffer.concat([Buffer.from("\x01a"), name]), DNS_TYPE.AAAA, v6),
      dnsResource(www, DNS_TYPE.TXT, Buffer.from("\x02hi")),
    ]);
    const { dns, flags, event } = dnsOf(packet, { answer: true });
    assert.is(flags, undefined);
    assert.is(event.action, "lookup_result");
    assert.equal(dns, {
      ...{ id: "7", type: "answer", response_code: "NOERROR", answers_count: 4 },
      question: { name: "www.Example.com", type: "A", class: "IN" },
      resolved_ip: ["192.0.2.255", "2001:db8::1"],
    });
    const none = dnsOf(Buffer.concat([dnsHeader({ answer: true, code: 3 }), dnsQuestion(www, 1)]), { answer: true });
    assert.is(none.dns?.response_code, "NXDOMAIN");
    assert.is(none.dns?.resolved_ip, undefined);
    const many = Array.from({ length: 40 }, (_, at) => dnsResource(name, DNS_TYPE.A, Buffer.from([10, 0, 0, at])));
    const header = dnsHeader({ answer: true, code: 15, answers: 40 });
    const some = dnsOf(Buffer.concat([header, dnsQuestion(www, 1), ...many]), { answer: true }).dns;
    assert.equal(
      some?.resolved_ip,
      Array.from({ length: 16 }, (_, at) => `10.0.0.${at}`),
    );
    assert.is(some?.answers_count, 40);
    assert.is(some?.response_code, "RCODE15");
  });

  lines("a name of any bytes has its text form", () => {
    for (let byte = 0; byte < 256; byte++) {
      const { dns } = dnsOf(
        Buffer.concat([dnsHeader(), dnsQuestion(wireName("a", Buffer.from([0x62, byte])), DNS_TYPE.A)]),
      );
      const character = String.fromCharCode(byte);
      const shown =
        byte <= 0x20 || byte >= 0x7f
          ? `\\${String(byte).padStart(3, "0")}`
          : character === "." || character === "\\"
            ? `\\${character}`
            : character;
      assert.is(dns?.question?.name, `a.b${shown}`);
    }
    // The longest that there is: 255 bytes on the wire.
    const label = Buffer.alloc(63, 0xff);
    const longest = wireName(label, label, label, label.subarray(2));
    assert.is(longest.length, 255);
    const { dns, flags } = dnsOf(Buffer.concat([dnsHeader(), dnsQuestion(longest, 1)]));
    assert.is(flags, undefined);
    assert.is(dns?.question?.name.length, 250 * 4 + 3);
    const short = wireName(...Array.from({ length: 127 }, () => "\\"));
    assert.is(dnsOf(Buffer.concat([dnsHeader(), dnsQuestion(short, 1)])).dns?.question?.name.length, 127 * 3 - 1);
  });

  lines("what is no DNS message is said to be none, and ends", () => {
    const ask = (name: Buffer, header = dnsHeader()): Buffer => Buffer.concat([header, dnsQuestion(name, 1)]);
    const label = Buffer.alloc(63, 0x61);
    const wrong: readonly (readonly [what: string, packet: Buffer])[] = [
      ["nothing", Buffer.alloc(0)],
      ["half a header", Buffer.alloc(11)],
      ["no question", dnsHeader()],
      ["a pointer to itself", ask(pointerTo(DNS_HEADER_SIZE))],
      ["a pointer forwards", ask(Buffer.concat([pointerTo(DNS_HEADER_SIZE + 2), wireName("a")]))],
      ["a loop of two", ask(Buffer.concat([Buffer.from("\x01a"), pointerTo(DNS_HEADER_SIZE)]))],
      ["a pointer of one byte", Buffer.concat([dnsHeader(), Buffer.from([0xc0])])],
      ["a label of a kind that is none", ask(Buffer.from([0x80, 0]))],
      ["a label behind the end", Buffer.concat([dnsHeader(), Buffer.from([63, 0x61])])],
      ["256 bytes on the wire", ask(wireName(label, label, label, label.subarray(1)))],
      ["a type that is cut", Buffer.concat([dnsHeader(), wireName("a"), Buffer.from([0])])],
    ];
    for (const [what, packet] of wrong) {
      const { dns, flags } = dnsOf(packet);
      assert.equal(flags, ["packet_malformed"], what);
      assert.is(dns, undefined, what);
    }
    const answer = Buffer.concat([dnsHeader({ answer: true, answers: 2 }), dnsQuestion(www, DNS_TYPE.A)]);
    const name = pointerTo(DNS_HEADER_SIZE);
    const good = dnsResource(name, DNS_TYPE.A, v4);
    const wrongAnswers: readonly (readonly [what: string, rest: Buffer])[] = [
      ["fewer than it says", good],
      ["data behind the end", Buffer.concat([good, dnsResource(name, DNS_TYPE.TXT, v4, 65535)])],
      ["an address of five bytes", Buffer.concat([good, dnsResource(name, DNS_TYPE.A, Buffer.alloc(5))])],
      ["an address of no byte", Buffer.concat([good, dnsResource(name, DNS_TYPE.AAAA, Buffer.alloc(0))])],
      ["a name that does not end", Buffer.concat([good, Buffer.alloc(70, 3)])],
      ["a pointer of one byte", Buffer.concat([good, Buffer.from([0xff])])],
      ["a label of a kind that is none", Buffer.concat([good, Buffer.from([0x40]), Buffer.alloc(90)])],
    ];
    for (const [what, rest] of wrongAnswers) {
      const { dns, flags } = dnsOf(Buffer.concat([answer, rest]), { answer: true });
      assert.equal(flags, ["packet_malformed"], what);
      assert.is(dns?.question?.name, "www.Example.com", what);
      assert.equal(dns?.resolved_ip, ["192.0.2.255"], what);
    }
    // A program that has no question may still be one of DNS.
    assert.equal(dnsOf(dnsHeader({ questions: 0 })), {
      ...dnsOf(dnsHeader({ questions: 0 })),
      ...{ dns: { id: "7", type: "query" }, flags: undefined },
    });
    const two = dnsOf(Buffer.concat([dnsHeader({ questions: 2 }), dnsQuestion(www, 1), dnsQuestion(www, 1)]));
    assert.is(two.dns?.question?.name, "www.Example.com");
    assert.is(two.flags, undefined);
  });

  lines("a message that was cut tells what it has, and how long it was", () => {
    const name = pointerTo(DNS_HEADER_SIZE);
    const records = Array.from({ length: 100 }, () => dnsResource(name, DNS_TYPE.A, v4));
    const whole = Buffer.concat([dnsHeader({ answer: true, answers: 100 }), dnsQuestion(www, 1), ...records]);
    const options = { answer: true, flags: PACKET_CUT, packetSize: whole.length };
    const { dns, flags, packetSize } = dnsOf(whole.subarray(0, 1024), options);
    assert.equal(flags, ["packet_cut"]);
    assert.is(packetSize, whole.length);
    assert.is(dns?.resolved_ip?.length, 16);
    assert.is(dns?.answers_count, 100);
  });

  lines("whatever bytes a message has, its line is one of JSON", () => {
    const random = createRandom(53);
    const name = pointerTo(DNS_HEADER_SIZE);
    const valid = Buffer.concat([
      dnsHeader({ answer: true, answers: 3 }),
      dnsQuestion(www, DNS_TYPE.A),
      dnsResource(name, DNS_TYPE.CNAME, Buffer.concat([Buffer.from("\x01a"), name])),
      dnsResource(name, DNS_TYPE.A, v4),
      dnsResource(pointerTo(DNS_HEADER_SIZE + 4), DNS_TYPE.AAAA, v6),
    ]);
    let malformed = 0;
    for (let round = sizeOf("KESTREL_TEXTS", 20_000, 200_000); round > 0; round--) {
      const packet = Buffer.from(valid.subarray(0, random.chance(0.3) ? random.below(valid.length) : valid.length));
      for (let changes = random.below(6); changes > 0 && packet.length > 0; changes--) {
        packet[random.below(packet.length)] = random.pick([0, 1, 12, 63, 64, 128, 192, 255, random.below(256)]);
      }
      const { flags } = dnsOf(packet, { answer: random.chance(0.5), flags: random.chance(0.2) ? PACKET_CUT : 0 });
      if (flags?.includes("packet_malformed")) malformed++;
    }
    assert.ok(malformed > 1000);
  });

  lines("what is no record makes no line", () => {
    const short = (size: number, kind: number): Buffer => {
      const record = Buffer.alloc(size);
      record.writeUInt32LE(size, 0);
      record.writeUInt16LE(kind, 4);
      return record;
    };
    const behind = dnsRecord(dnsHeader());
    behind.writeUInt16LE(DNS_HEADER_SIZE + 1, 226);
    const far = dnsRecord(dnsHeader());
    far.writeUInt16LE(65535, 224);
    const kinds: readonly SocketClass[] = ["connect", "accept", "disconnect", "bind", "listen"];
    const wrong = [...kinds.map((kind) => short(NETWORK_SIZE - 1, CLASS[kind])), short(DNS_SIZE - 1, CLASS.dns)];
    for (const record of [...wrong, behind, far]) {
      const { lines, malformed } = addon.linesOf(inRow([record]), HOST, 0n);
      assert.equal([lines.length, malformed], [0, 1]);
    }
  });
}
