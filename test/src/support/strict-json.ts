// JSON as RFC 8259 has it -> members in their order, repeated names included, and numbers with all their digits. It is slow and
// shares nothing with the runtime, so that tests can hold the runtime's output to it.

export type Member = readonly [name: string, value: Strict];

export type Strict =
  | { readonly kind: "value"; readonly text: string }
  | { readonly kind: "array"; readonly items: readonly Strict[] }
  | { readonly kind: "object"; readonly members: readonly Member[] };

const TOKEN = /[\t\r ]*("(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+)/gy;

/** Strings as JSON.stringify writes them. Throws SyntaxError for what is not JSON. */
export function strictJson(text: string): Strict {
  // What is no JSON at all is left to the one parser that nobody doubts.
  JSON.parse(text);
  const tokens = [...text.matchAll(TOKEN)].map(([, token = ""]) => token);
  let at = 0;
  const value = (): Strict => {
    const token = tokens[at++] ?? "";
    if (token === "[") {
      const items: Strict[] = [];
      while (tokens[at] !== "]") {
        items.push(value());
        if (tokens[at] === ",") at++;
      }
      at++;
      return { kind: "array", items };
    }
    if (token === "{") {
      const members: Member[] = [];
      while (tokens[at] !== "}") {
        const name = JSON.parse(tokens[at] ?? "") as string;
        at += 2;
        members.push([name, value()]);
        if (tokens[at] === ",") at++;
      }
      at++;
      return { kind: "object", members };
    }
    return { kind: "value", text: token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : token };
  };
  return value();
}
