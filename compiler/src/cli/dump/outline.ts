// Indented text: a line for each node, with its parts below it.

export interface Outline {
  readonly text: string;
  readonly parts: readonly Outline[];
}

export function node(text: string, ...parts: readonly (Outline | readonly Outline[] | null)[]): Outline {
  return { text, parts: parts.flatMap((part) => part ?? []) };
}

/** The lines of an outline, two spaces a level. */
export function outlineText(outline: Outline): string {
  const lines: string[] = [];
  // A chain of a thousand operators is as deep.
  const waiting: { readonly outline: Outline; readonly depth: number }[] = [{ outline, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { depth } = next;
    lines.push("  ".repeat(depth) + next.outline.text);
    for (const part of [...next.outline.parts].reverse()) waiting.push({ outline: part, depth: depth + 1 });
  }
  return `${lines.join("\n")}\n`;
}
