// Code that faults: which events it is asked about, and what it may take of them together.

import { fuelFor, isLeftOut, noteAnswer, noteFault, trusted } from "@kestrel/runtime/evaluate/trust";
import type { FaultKind } from "@kestrel/runtime/foreign/foreign-host";
import {
  FAULTS_TO_QUARANTINE,
  FOREIGN_FUEL,
  PROBATION_SHARE,
  QUARANTINE_EVENTS,
  QUARANTINE_MOST,
  TRUSTED_ANSWERS,
} from "@kestrel/stdlib/host-api";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const trust = suite("trust");

/** Events of which code needs so many steps each: what it has spent, and of which events it has answered. */
function spend(
  events: number,
  needs: (event: number) => number,
  kind: FaultKind = "fuel",
): { readonly spent: number; readonly asked: number; readonly answered: readonly number[]; readonly last: number } {
  const own = trusted();
  let spent = 0;
  let asked = 0;
  const answered: number[] = [];
  for (let event = 0; event < events; event++) {
    if (isLeftOut(own)) continue;
    asked++;
    const [fuel, steps] = [fuelFor(own, FOREIGN_FUEL), needs(event)];
    spent += Math.min(fuel, steps);
    if (steps > fuel) noteFault(own, kind);
    else {
      noteAnswer(own);
      answered.push(event);
    }
  }
  return { spent, asked, answered, last: fuelFor(own, FOREIGN_FUEL) };
}

const ENDLESS = Number.POSITIVE_INFINITY;

trust(
  "code that never ends takes one and a half times its fuel of a hundred thousand events, and little more than a step for each of many",
  () => {
    const part = FOREIGN_FUEL / PROBATION_SHARE;
    // Before its first quarantine, and after quarantines of 1,000 to 32,000 events.
    assert.is(spend(100_438, () => ENDLESS).spent, FOREIGN_FUEL + 2 * part + 6 * part);
    for (const events of [1_000_000, 10_000_000]) {
      const { spent } = spend(events, () => ENDLESS);
      assert.ok(
        spent < events * (FOREIGN_FUEL / QUARANTINE_MOST) + 2 * FOREIGN_FUEL,
        `${spent} steps of ${events} events`,
      );
    }
  },
);

trust("answers in between do not make it dearer", () => {
  for (const every of [2, 3, 10, 100, TRUSTED_ANSWERS]) {
    const { spent } = spend(100_000, (event) => (event % every === 0 ? ENDLESS : 0));
    assert.ok(
      spent < 12 * FOREIGN_FUEL,
      `${spent / FOREIGN_FUEL} times its fuel where one of ${every} events has no end`,
    );
  }
});

trust("code that is stopped now and then answers all other events, with all of its fuel", () => {
  const every = 3 * TRUSTED_ANSWERS;
  const needs = (event: number): number => (event % every === 0 ? ENDLESS : event % every === 1 ? 10 : FOREIGN_FUEL);
  const { answered, asked } = spend(10 * every, needs);
  assert.equal([answered.length, asked], [10 * (every - 1), 10 * every]);
});

trust("code that faults once and then behaves gets its fuel back", () => {
  const needs = (event: number): number => (event === 0 ? ENDLESS : 10);
  assert.is(spend(1, needs).last, FOREIGN_FUEL / PROBATION_SHARE);
  const { last, asked } = spend(2, needs);
  assert.is(last, FOREIGN_FUEL);
  assert.is(asked, 2);
});

trust("code that needs more than its part after a fault is left out for longer, and answers in the end", () => {
  for (const steps of [FOREIGN_FUEL / 10, FOREIGN_FUEL / 2, FOREIGN_FUEL]) {
    const { answered, last } = spend(5_000_000, (event) => (event === 0 ? ENDLESS : steps));
    const first = answered[0] ?? ENDLESS;
    // Quarantines double until one is the part of the longest that the steps are of the fuel.
    assert.ok(first < 4 * (steps / FOREIGN_FUEL) * QUARANTINE_MOST + FAULTS_TO_QUARANTINE, `${steps} steps: ${first}`);
    assert.is(last, FOREIGN_FUEL);
    assert.is(answered.length, 5_000_000 - first);
  }
});

trust("errors cost code no fuel, and put it in quarantine in a row only", () => {
  for (const kind of ["error", "type", "host", "init", "depth"] as const) {
    const own = trusted();
    for (let event = 0; event < 100; event++) {
      assert.is(noteFault(own, kind), false);
      assert.is(fuelFor(own, FOREIGN_FUEL), FOREIGN_FUEL);
      noteAnswer(own);
    }
    const inARow = Array.from({ length: FAULTS_TO_QUARANTINE }, () => noteFault(own, kind));
    assert.equal(inARow, [...Array(FAULTS_TO_QUARANTINE - 1).fill(false), true]);
    assert.is(own.resting, QUARANTINE_EVENTS);
    for (let event = 0; event < QUARANTINE_EVENTS; event++) assert.is(isLeftOut(own), true);
    assert.is(isLeftOut(own), false);
    noteAnswer(own);
    assert.equal(own, trusted());
  }
});

trust("code that eqlc has made keeps its fuel", () => {
  const own = trusted();
  noteFault(own, "fuel", false);
  assert.is(fuelFor(own, FOREIGN_FUEL), FOREIGN_FUEL);
});

trust.run();
