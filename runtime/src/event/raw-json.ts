// JSON text as it stands in a line -> the one text that stands for its value in a key.
//
// White space goes, strings lose needless escapes, and numbers are written as keys write them, so that 1, 1.0 and 1e0 are
// the same. The order of an object's members stays: keys are compared as text.
// INVARIANT: the result is JSON without line feeds, and what is JSON stays equal to itself.

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?[0-9][0-9.eE+-]*|true|false|null|[[\]{},:]/gs;

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Text that is not JSON, which the decoder does not always notice, becomes an object that says so. */
export function uniformJson(text: string): string {
  if (!isJson(text)) return `{"not JSON":${JSON.stringify(text)}}`;
  return (text.match(TOKEN) ?? []).map(uniformToken).join("");
}

function uniformToken(token: string): string {
  if (token.startsWith('"')) return JSON.stringify(JSON.parse(token));
  if (/^-?[0-9]{1,19}$/.test(token)) {
    const value = BigInt(token);
    if (BigInt.asIntN(64, value) === value) return String(value);
  }
  return /^[-0-9]/.test(token) ? doublePart(Number(token)) : token;
}

/** A double as JSON; without a fraction when it is whole. */
export function doublePart(value: number): string {
  if (Number.isInteger(value)) return String(BigInt(value));
  if (Number.isFinite(value)) return String(value);
  // JSON has no word for infinity, but `1e999` is read back as it, and no finite number is written so.
  return value > 0 ? "1e999" : "-1e999";
}
