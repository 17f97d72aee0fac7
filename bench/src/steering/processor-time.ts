// The clock of the steering benches: what they tell apart is nanoseconds, and on a machine that others use too, the time on
// the wall is mostly theirs.

/** Milliseconds that the processor has worked for this process. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
