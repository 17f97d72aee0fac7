// A seed -> what several hosts ship into one stream: each with a clock and a way to the stream of its own, so that times run against
// each other from host to host and an event of the year 2262 may stand anywhere.
//
// Every event has a host, `host.id`, and a time. What else it has is as in stream.ts.

import type { Random } from "./random.js";
import { generateStream } from "./stream.js";

export interface UnrulyStream {
  /** In the order of arrival. */
  readonly lines: readonly string[];
  /** The place of every host's lines among all. */
  readonly hosts: ReadonlyMap<string, readonly number[]>;
}

export interface UnrulyOptions {
  /** Events of each host, of those with a right clock at most. */
  readonly length: number;
  /** How many of the hosts with wrong clocks or with shippers far behind there are. With none every event comes within `latestMs`. */
  readonly wrongClocks: "none" | "some" | "all";
  /** How much later than usual an event may come, in milliseconds. */
  readonly latestMs: number;
  /** Whether a host's own events may overtake each other by that. */
  readonly overtake: boolean;
}

const START = Date.UTC(2026, 0, 5, 8);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const YEAR_2262 = Date.UTC(2262, 0, 1) - START;

interface Host {
  readonly name: string;
  readonly events: number;
  /** What its clock shows too much, and how long its events are under way at least, in milliseconds. */
  readonly skew: number;
  readonly lag: number;
}

interface Shipped {
  readonly host: string;
  readonly arrival: number;
  readonly line: string;
}

export function generateUnrulyStream(random: Random, options: UnrulyOptions): UnrulyStream {
  const shipped = hostsOf(random, options).flatMap((host) => ship(random, host, options));
  // Sorting is stable: a host's events of one instant stay in their order.
  shipped.sort((a, b) => a.arrival - b.arrival);
  const hosts = new Map<string, number[]>();
  for (const [place, { host }] of shipped.entries()) hosts.set(host, [...(hosts.get(host) ?? []), place]);
  return { lines: shipped.map(({ line }) => line), hosts };
}

function hostsOf(random: Random, { length, wrongClocks }: UnrulyOptions): Host[] {
  const host = (name: string, skew: number, lag: number, events = length): Host => ({ name, skew, lag, events });
  const right = [host("right", 0, 0), host("also right", 0, random.below(3000), Math.ceil(length / 2))];
  if (wrongClocks === "none") return right;
  const wrong = [
    host("shipped late", 0, (2 + random.below(8)) * MINUTE),
    host("ahead", 2 * HOUR, random.below(5000), Math.ceil(length / 2)),
    host("behind", -2 * HOUR, 0, Math.ceil(length / 2)),
    host("far ahead", YEAR_2262, random.below(MINUTE), 1 + random.below(3)),
  ];
  return [...right, ...wrong.filter(() => wrongClocks === "all" || random.chance(0.7))];
}

function ship(random: Random, { name, events, skew, lag }: Host, { latestMs, overtake }: UnrulyOptions): Shipped[] {
  let now = random.below(5000);
  let arrived = 0;
  return generateStream(random, { length: events }).map((line) => {
    now += random.weighted([
      [3, 0],
      [3, 250],
      [3, 1000],
      [2, 5000],
      [1, 20_000],
      [0.2, 100_000],
    ]);
    const arrival = now + lag + random.below(latestMs + 1);
    arrived = overtake ? arrival : Math.max(arrived, arrival);
    return { host: name, arrival: arrived, line: placed(line, name, START + now + skew) };
  });
}

/** The event with a host and a time instead of those that it has. */
function placed(line: string, host: string, milliseconds: number): string {
  const rest = line.replace(/"@timestamp":("[^"]*"|[^,}]+),?/, "").replace(/"host\.id":("[^"]*"|null),/, "");
  return `{"@timestamp":"${new Date(milliseconds).toISOString()}","host.id":${JSON.stringify(host)},${rest.slice(1)}`;
}
