// Chunks of lines and the counters at the end -> why these inputs were no use, or null. A run over files in which nothing is an
// event, or over events of which no rule asks one, would otherwise look like one that found nothing.
//
// It costs a look at the first lines of each input. The categories are looked for until one is found that a rule asks for, which
// is nearly always in the first event; where none is, every chunk is searched for the name of the category field, and only what
// stands behind that name is looked at.

import { LINE_FEED } from "@kestrel/stdlib/text/characters";
import { excerptOf } from "../evaluate/broken-lines.js";
import { counted } from "./summary.js";

export interface InputWatch {
  /** Takes every chunk; `bytes` need not stay. */
  look(chunk: { readonly bytes: Buffer; readonly file: string }): void;
  /** Takes a line that was too long to be read. */
  skipLong(file: string): void;
  /** What is wrong with the inputs, at their end. */
  problem(counters: { readonly events: number; readonly matched: number }): string | null;
}

export interface Asked {
  readonly categoryField: string;
  /** The categories that rules ask for; null when some rule takes any event. */
  readonly categories: readonly string[] | null;
}

interface Seen {
  /** The first line that is not blank, as far as it is shown; empty while there is none. */
  first: string;
  /** Whether some line can be an event. */
  hasObject: boolean;
}

/** How many bytes behind the category's name are looked at before the whole line is. */
const VALUE_BYTES = 256;
/** How many inputs, and how many categories, a message names. */
const NAMED = 5;

/** Starts to watch the inputs of a run whose rules ask for these categories. */
export function createInputWatch({ categoryField, categories }: Asked): InputWatch {
  const inputs = new Map<string, Seen>();
  const needle = Buffer.from(`${categoryField.slice(categoryField.lastIndexOf(".") + 1)}"`);
  const quoted = (categories ?? []).map((name) => JSON.stringify(name));
  let isAsked = categories === null;
  let firstEvent = "";

  function seen(file: string): Seen {
    const known = inputs.get(file);
    if (known !== undefined) return known;
    const made = { first: "", hasObject: false };
    inputs.set(file, made);
    return made;
  }

  function holdsAsked(bytes: Buffer): boolean {
    for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) {
      const value = valueText(bytes.toString("utf8", at + needle.length, at + needle.length + VALUE_BYTES));
      if (value !== null && !value.includes("\\") && !quoted.some((name) => value.includes(name))) continue;
      const line = bytes.toString("utf8", bytes.lastIndexOf(LINE_FEED, at) + 1, bytes.indexOf(LINE_FEED, at));
      if (categoriesOf(line, categoryField).some((name) => name === null || categories?.includes(name) === true))
        return true;
    }
    return false;
  }

  return {
    look({ bytes, file }) {
      const input = seen(file);
      if (!input.hasObject) lookAtLines(bytes, input);
      if (firstEvent === "" && input.hasObject) firstEvent = input.first;
      isAsked ||= holdsAsked(bytes);
    },
    skipLong(file) {
      const input = seen(file);
      if (input.first === "") input.first = "(a line that is too long)";
    },
    problem({ events, matched }) {
      const useless = [...inputs].filter(([, { first, hasObject }]) => first !== "" && (!hasObject || events === 0));
      const [first] = useless;
      if (first !== undefined) {
        const names = useless.slice(0, NAMED).map(([file]) => (file === "-" ? "standard input" : file));
        const more = useless.length - names.length;
        const list = names.join(", ") + (more > 0 ? ` and ${counted(more, "other input", "other inputs")}` : "");
        return `no line of ${list} is an event; the first line is: ${first[1].first}${hintOn(first[1].first, null)}`;
      }
      if (isAsked || matched > 0 || events === 0) return null;
      const named = (categories ?? []).slice(0, NAMED).join(", ") + ((categories?.length ?? 0) > NAMED ? ", …" : "");
      const asks = `no event has a category that a rule asks for (${categoryField}: ${named})`;
      return `${asks}; the first line is: ${firstEvent}${hintOn(firstEvent, categoryField)}`;
    },
  };
}

/** Looks for a line that can be an event, which the decoder knows better at the end. */
function lookAtLines(bytes: Buffer, input: Seen): void {
  for (let start = 0; start < bytes.length && !input.hasObject; ) {
    const end = bytes.indexOf(LINE_FEED, start);
    const line = bytes.toString("utf8", start, end).trim();
    if (line !== "" && input.first === "") input.first = excerptOf(Buffer.from(line));
    if (line.startsWith("{") && line.endsWith("}")) {
      input.hasObject = true;
      input.first = excerptOf(Buffer.from(line));
    }
    start = end + 1;
  }
}

/** A string or a flat array behind a key; null when it is something else, or longer than what is there. */
function valueText(behind: string): string | null {
  return /^\s*:\s*("[^"\\]*"|\[[^[\]{}]*\])/.exec(behind)?.[1] ?? null;
}

/** The values of a field in a line; null stands for what cannot be known, because the line is not JSON in all its parts. */
function categoriesOf(line: string, field: string): readonly (string | null)[] {
  try {
    return valuesAt(JSON.parse(line), field);
  } catch {
    return [null];
  }
}

function valuesAt(value: unknown, path: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, path));
  if (typeof value !== "object" || value === null) return path === "" ? [String(value)] : [];
  return Object.entries(value).flatMap(([key, below]) => {
    if (path === key) return valuesAt(below, "");
    return path.startsWith(`${key}.`) ? valuesAt(below, path.slice(key.length + 1)) : [];
  });
}

const MAPPING =
  "Kestrel's rules ask for ECS: read the logs with Winlogbeat or another shipper that maps them, and give what it writes";

/** What a first line shows of where it comes from. `categoryField` is given when it is an event. */
function hintOn(first: string, categoryField: string | null): string {
  if (/^\{\s*"Event"\s*:/.test(first)) return `\n  These are Windows events as evtx_dump writes them. ${MAPPING}.`;
  if (/^Record \d+/.test(first)) return `\n  This is what evtx_dump writes without -o jsonl. ${MAPPING}.`;
  if (/"(EventI[dD]|EventRecordI[dD]|MapDescription|Channel)"\s*:/.test(first)) {
    return `\n  These are Windows events as a tool for EVTX files writes them. ${MAPPING}.`;
  }
  if (first.startsWith("<")) return "\n  This is XML; Kestrel reads JSON, one event a line.";
  if (categoryField === null) return "\n  Kestrel reads JSON, one event a line, or an array or an export of such.";
  if (first.includes(`${categoryField.slice(categoryField.lastIndexOf(".") + 1)}"`)) return "";
  return `\n  It has no field ${categoryField}, so these are not events as ECS has them.`;
}
