// A leaf that compares texts -> the texts among its literals that its subject can never be, each with the reason.
//   longer than what `substring` cuts out, or a hash of another length
//   in another case than ECS writes the few values that a field can have

import type { TypedOf } from "../analyse/typed.js";
import { longestOf } from "./constant-truth.js";

/** The values that ECS allows, for fields that are compared with them letter by letter. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  "event.kind": ["alert", "asset", "enrichment", "event", "metric", "state", "pipeline_error", "signal"],
  "event.outcome": ["failure", "success", "unknown"],
  "event.type": [
    ...[
      "access",
      "admin",
      "allowed",
      "change",
      "connection",
      "creation",
      "deletion",
      "denied",
      "end",
      "error",
      "group",
    ],
    ...["indicator", "info", "installation", "protocol", "start", "user"],
  ],
  "host.os.type": ["android", "ios", "linux", "macos", "unix", "windows"],
};
export const CATEGORIES: readonly string[] = [
  ...["api", "authentication", "configuration", "database", "driver", "email", "file", "host", "iam"],
  ...["intrusion_detection", "library", "malware", "network", "package", "process", "registry", "session", "threat"],
  ...["vulnerability", "web"],
];

const HASH_LENGTHS: Readonly<Record<string, number>> = { md5: 32, sha1: 40, sha256: 64, sha384: 96, sha512: 128 };

export interface Impossible {
  readonly text: string;
  readonly why: string;
}

/** In the order of the literals; empty when each of them can be met. */
export function impossibleTexts({ subject, patterns }: TypedOf<"match">): readonly Impossible[] {
  const { exact, fold, globs } = patterns;
  const longest = longestOf(subject);
  const found: Impossible[] = [];
  if (longest !== undefined && subject.kind !== "string") {
    for (const text of exact) {
      if (text.length > longest) found.push({ text, why: tooLong(longest) });
    }
    for (const { text } of globs) {
      if (text.replaceAll("*", "").length > longest) found.push({ text, why: tooLong(longest) });
    }
  }
  if (subject.kind !== "field" || subject.reading.root.kind === "element") return found;
  const allowed = subject.reading.name === "event.category" ? CATEGORIES : ALLOWED[subject.reading.name];
  const wanted = HASH_LENGTHS[/(?:^|\.)hash\.(\w+)$/.exec(subject.reading.name)?.[1] ?? ""];
  for (const text of exact) {
    const lower = text.toLowerCase();
    if (!fold && allowed?.includes(lower) && !allowed.includes(text)) {
      found.push({ text, why: `\`${subject.reading.name}\` is written in lower case, "${lower}"` });
    }
    if (wanted !== undefined && /^[0-9A-Fa-f]{16,}$/.test(text) && text.length !== wanted) {
      found.push({ text, why: `such a hash has ${wanted} digits, not ${text.length}` });
    }
  }
  return found;
}

function tooLong(longest: number): string {
  return `what it is compared with has at most ${longest} characters`;
}
