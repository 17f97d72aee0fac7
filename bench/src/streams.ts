// Streams made of recorded ones: in another order, of other values, of what matches alone.

import { createDetector } from "@kestrel/runtime/engine/detector";
import type { Package } from "@kestrel/runtime/load/load-package";
import { type Input, linesOf } from "./corpus.js";

const SEED = 20_240_229;
const CHUNK_LINES = 10_000;

/** The same events in an order of no source. */
export function shuffled(input: Input): Input {
  const lines = linesOf(input.chunks);
  let state = SEED;
  const below = (limit: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
  for (let at = lines.length - 1; at > 0; at--) {
    const other = below(at + 1);
    [lines[at], lines[other]] = [lines[other] ?? "", lines[at] ?? ""];
  }
  return inputOf(`${input.name}, shuffled`, input, lines);
}

/** The first events, but that each text is another in each event, and each key that is not ECS's a new one. */
export function neverRepeating(input: Input, events: number): Input {
  const lines = linesOf(input.chunks).slice(0, events);
  const changed = lines.map((line, number) => {
    const renew = (value: unknown): unknown => {
      if (typeof value === "string") return /^\d{4}-/.test(value) ? value : `${value} ${number}`;
      if (Array.isArray(value)) return value.map(renew);
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(
        Object.entries(value).map(([key, inner]) => [/^[a-z@]/.test(key) ? key : `${key} ${number}`, renew(inner)]),
      );
    };
    return JSON.stringify(renew(JSON.parse(line)));
  });
  return inputOf(`nothing repeats, ${events} events`, input, changed);
}

/** Events of which each matches, again and again. */
export function ofMatches(pack: Package, input: Input, events: number): Input {
  const lines = linesOf(input.chunks);
  const matching = new Set<number>();
  const detector = createDetector(pack, {
    latenessNs: null,
    onAlert: ({ events: found }) => {
      for (const event of found) if (event !== null) matching.add(event.ordinal);
    },
  });
  let firstLine = 1;
  for (const chunk of input.chunks) firstLine += detector.feed(chunk, { file: "bench", firstLine });
  detector.finish();
  const found = [...matching].sort((a, b) => a - b).map((at) => lines[at] ?? "");
  if (found.length === 0) throw new Error(`${input.name}: nothing matches`);
  const repeated = Array.from({ length: events }, (_, at) => found[at % found.length] ?? "");
  return inputOf(`what matches, ${events} events`, input, repeated);
}

function inputOf(name: string, { rules }: Input, lines: readonly string[]): Input {
  const chunks: Buffer[] = [];
  for (let at = 0; at < lines.length; at += CHUNK_LINES)
    chunks.push(Buffer.from(`${lines.slice(at, at + CHUNK_LINES).join("\n")}\n`));
  return { name, rules, chunks, events: lines.length, bytes: chunks.reduce((sum, chunk) => sum + chunk.length, 0) };
}
