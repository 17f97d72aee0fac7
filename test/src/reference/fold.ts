// Unicode simple case folding, derived from what the JavaScript engine knows and not from a table of ours: two code points
// fold together when a regular expression with the flags `iu`, whose canonical form is simple folding, says they match.
// INVARIANT: folding keeps the number of UTF-16 units, so that positions in a folded string are positions in the string.

let representatives: ReadonlyMap<string, string> | null = null;

/** Replaces every code point by the smallest one of its class; equal results mean equal up to case. */
export function fold(text: string): string {
  representatives ??= deriveClasses();
  let folded = "";
  for (const character of text) folded += representatives.get(character) ?? character;
  return folded;
}

/** Every code point that has a smaller partner, with the smallest of its class. */
function deriveClasses(): ReadonlyMap<string, string> {
  const groups = new Map<string, Set<string>>();
  for (let point = 0; point <= 0x10ffff; point++) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    const character = String.fromCodePoint(point);
    const lower = character.toLowerCase();
    const upper = character.toUpperCase();
    if (lower === character && upper === character) continue;
    // Partners share an upper or a lower case form, whether that form is one code point or several.
    for (const form of [lower, upper, lower.toUpperCase(), upper.toLowerCase()]) {
      const group = groups.get(form) ?? new Set<string>();
      group.add(character);
      if (Array.from(form).length === 1) group.add(form);
      groups.set(form, group);
    }
  }
  const smallest = new Map<string, string>();
  // Groups overlap, so smaller partners spread until nothing changes.
  for (let changed = true; changed; ) {
    changed = false;
    for (const group of groups.values()) {
      for (const a of group) {
        for (const b of group) {
          const candidate = smallest.get(b) ?? b;
          if (isSmaller(candidate, smallest.get(a) ?? a) && matches(a, b)) {
            smallest.set(a, candidate);
            changed = true;
          }
        }
      }
    }
  }
  return smallest;
}

function isSmaller(a: string, b: string): boolean {
  return (a.codePointAt(0) ?? 0) < (b.codePointAt(0) ?? 0);
}

function matches(a: string, b: string): boolean {
  return a.length === b.length && new RegExp(`^\\u{${(a.codePointAt(0) ?? 0).toString(16)}}$`, "iu").test(b);
}
