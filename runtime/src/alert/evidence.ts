// The bytes of an event's line -> the JSON text that stands for it in an alert.
//
// The text is the event's own, so that no digit of a number and no order of keys is lost. It is parsed only to make sure
// that the alert stays valid JSON: the module passes over what no rule reads without judging it.

import { SPACE } from "@kestrel/stdlib/text/characters";

/** Invalid UTF-8 is replaced. A line that is not JSON after all becomes a JSON string. */
export function evidenceJson(line: Uint8Array): string {
  const text = evidenceText(line);
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

/** The line without the white space around it; what JSON calls white space is what is below "!". */
export function evidenceText(line: Uint8Array): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] ?? 0) <= SPACE) end--;
  let start = 0;
  while (start < end && (line[start] ?? 0) <= SPACE) start++;
  return Buffer.from(line.buffer, line.byteOffset + start, end - start).toString("utf8");
}
