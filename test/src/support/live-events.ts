// What a collector saw → the events that a test asks for, and what holds of any run.

import type { EventClass } from "@kestrel/runtime/ebpf/load-addon";
import * as assert from "uvu/assert";
import { ACTIONS, type LiveEvent, type LiveRun } from "./ebpf.js";

/** Events of one kind, of one process if its pid is given. */
export function eventsOf(run: LiveRun, action: string, pid?: number): LiveEvent[] {
  return run.events.filter(
    ({ event, process }) => event.action === action && (pid === undefined || process.pid === pid),
  );
}

export function oneOf(run: LiveRun, action: string, pid: number): LiveEvent {
  const found = eventsOf(run, action, pid);
  assert.is(found.length, 1, `${action} of ${pid}: ${found.length} events`);
  return found[0] as LiveEvent;
}

/** What always holds when a collector has ended: everything is accounted for, and stands in the stream as often as it was counted. */
export function assertAccounted(run: LiveRun, written?: readonly EventClass[]): void {
  assert.is(run.counters.malformed, 0);
  for (const [name, actions] of Object.entries(ACTIONS) as [EventClass, readonly string[]][]) {
    const { made, dropped, received, droppedByCpu } = run.counters[name];
    assert.is(received + dropped, made, name);
    // Processes are collected for the sake of others, and written when they are asked for.
    if (written !== undefined && !written.includes(name)) continue;
    const found = run.events.filter(({ event }) => actions.includes(event.action));
    assert.is(found.length, received, name);
    assert.is(
      droppedByCpu.reduce((sum, count) => sum + count, 0),
      dropped,
    );
    const losses = run.events.flatMap(({ kestrel: { loss } }) => (loss?.class === name ? [loss.dropped] : []));
    assert.is(
      losses.reduce((sum, count) => sum + count, 0),
      dropped,
      `lost ${name} events that the stream tells of`,
    );
  }
  assert.equal(
    run.events.map(({ event }) => event.sequence),
    run.events.map((_, at) => at),
  );
}
