// A text that JSON.parse refused to the place where it stops being JSON, which JSON.parse does not reliably tell.

type Expected = "value" | "value or ]" | "key" | "key or }" | ":" | ", or }" | ", or ]" | "end";

// In the character class: everything but control characters, the quote and the backslash.
const TOKEN =
  /[ \t\n\r]*(?:([{}[\],:])|("[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*")|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))/y;

const WANTED: Readonly<Record<Expected, string>> = {
  value: "a value",
  "value or ]": "a value or `]`",
  key: "a key in double quotes",
  "key or }": "a key in double quotes or `}`",
  ":": "`:`",
  ", or }": "`,` or `}`",
  ", or ]": "`,` or `]`",
  end: "the end of the file",
};

/** Finds the first offset at which `text` cannot be continued as JSON, and says what was expected there. */
export function findJsonError(text: string): { offset: number; message: string } {
  const open: ("{" | "[")[] = [];
  let expected: Expected = "value";
  let offset = 0;
  const afterValue = (): Expected => {
    const inner = open.at(-1);
    return inner === undefined ? "end" : inner === "{" ? ", or }" : ", or ]";
  };
  for (;;) {
    TOKEN.lastIndex = offset;
    const found = TOKEN.exec(text);
    const mark = found?.[1] ?? null;
    const next: Expected | null =
      found === null ? null : step(expected, mark, found[2] !== undefined, open, afterValue);
    if (next === null) break;
    expected = next;
    offset = TOKEN.lastIndex;
  }
  while (offset < text.length && " \t\n\r".includes(text.charAt(offset))) offset += 1;
  const got =
    offset === text.length ? "the file ends" : `found \`${String.fromCodePoint(text.codePointAt(offset) ?? 0)}\``;
  return { offset, message: `expected ${WANTED[expected]}, but ${got}` };
}

/** What is expected behind a token, or null when the token does not fit. `mark` is null for a string, number or word. */
function step(
  expected: Expected,
  mark: string | null,
  isString: boolean,
  open: ("{" | "[")[],
  afterValue: () => Expected,
): Expected | null {
  const closes = (mark === "}" && expected.endsWith("}")) || (mark === "]" && expected.endsWith("]"));
  if (closes) {
    open.pop();
    return afterValue();
  }
  switch (expected) {
    case "value":
    case "value or ]":
      if (mark === "{" || mark === "[") {
        open.push(mark);
        return mark === "{" ? "key or }" : "value or ]";
      }
      return mark === null ? afterValue() : null;
    case "key":
    case "key or }":
      return isString ? ":" : null;
    case ":":
      return mark === ":" ? "value" : null;
    case ", or }":
      return mark === "," ? "key" : null;
    case ", or ]":
      return mark === "," ? "value" : null;
    case "end":
      return null;
  }
}
