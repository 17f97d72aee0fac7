// Profiles to steer an index with: what lines really hold of that which rules ask, and the contrary of it.

import { type CompiledRule, type CompileOptions, planRules } from "@kestrel/compiler/compile";
import { askedOf } from "@kestrel/compiler/passes/asked-conditions";
import { createEventCounter } from "@kestrel/compiler/profile/count-events";
import type { Profile } from "@kestrel/compiler/profile/profile";

export function profileOf(rules: readonly CompiledRule[], options: CompileOptions, lines: readonly string[]): Profile {
  const counter = createEventCounter(askedOf(planRules(rules, options)));
  for (const line of lines) counter.add(line);
  return counter.profile();
}

/** Says of everything that as many events hold it as lack it. */
export function reversed({ events, fields, texts, values, grams }: Profile): Profile {
  const turned = (counts: ReadonlyMap<string, number>, all: number): ReadonlyMap<string, number> =>
    new Map([...counts].map(([key, count]) => [key, all - count]));
  return {
    events,
    fields: turned(fields, events),
    texts: new Map([...texts].map(([field, counts]) => [field, turned(counts, events)])),
    values,
    grams: turned(grams, values),
  };
}
