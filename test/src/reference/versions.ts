// Semantic versions (semver.org, 2.0.0) compared by precedence; build metadata does not count.

const VERSION =
  /^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

interface Version {
  readonly core: readonly bigint[];
  /** Empty for a release. */
  readonly prerelease: readonly string[];
}

/** Compares by precedence, or null when either text is not a semantic version. */
export function compareVersions(a: string, b: string): number | null {
  const left = parseVersion(a);
  const right = parseVersion(b);
  if (left === null || right === null) return null;
  for (let i = 0; i < 3; i++) {
    const order = compareIntegers(left.core[i] ?? 0n, right.core[i] ?? 0n);
    if (order !== 0) return order;
  }
  return comparePrereleases(left.prerelease, right.prerelease);
}

function parseVersion(text: string): Version | null {
  const found = VERSION.exec(text);
  if (found === null) return null;
  const prerelease = found[4] === undefined ? [] : found[4].split(".");
  if (prerelease.some((part) => /^0[0-9]+$/.test(part))) return null;
  return { core: [found[1], found[2], found[3]].map((part) => BigInt(part ?? "0")), prerelease };
}

function comparePrereleases(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return (a.length === 0 ? 1 : 0) - (b.length === 0 ? 1 : 0);
  for (let i = 0; i < a.length && i < b.length; i++) {
    const order = compareIdentifiers(a[i] ?? "", b[i] ?? "");
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareIdentifiers(a: string, b: string): number {
  const left = /^[0-9]+$/.test(a);
  const right = /^[0-9]+$/.test(b);
  if (left && right) return compareIntegers(BigInt(a), BigInt(b));
  if (left !== right) return left ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareIntegers(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
