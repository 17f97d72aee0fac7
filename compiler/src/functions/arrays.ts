// Entries of the functions that look into arrays.

import type { FunctionEntry } from "./entry.js";

export const ARRAYS = {
  arrayContains: {
    says: "Whether the array holds one of the values.",
    anchor: "functions-of-endgame",
    endgame: {
      required: ["array", "primitive"],
      rest: "primitive",
      strict: 1,
      becomes: "call",
      result: "boolean",
    },
    instead: "A comparison looks at every value of a field: write `field in~ (…)`.",
  },
  arrayCount: {
    says: "How many elements of the array make the condition true.",
    anchor: "functions-of-endgame",
    endgame: { required: ["array", "name", "boolean"], strict: 0, becomes: "search", result: "number" },
    instead: "The elastic dialect does not count values; ask for one with `_arraysearch`.",
  },
  arraySearch: {
    says: "Whether an element of the array makes the condition true.",
    anchor: "functions-of-endgame",
    endgame: { required: ["array", "name", "boolean"], strict: 0, becomes: "search", result: "boolean" },
    instead: "Write `_arraysearch(field, $name, condition)`.",
  },
  _arraysearch: {
    says: "Whether an element of the array of objects makes the condition true.",
    anchor: "arrays-of-objects",
    elastic: { required: ["array", "variable", "condition"], strict: 0, becomes: "search", result: "boolean" },
    instead: "Write `arraySearch(field, name, condition)`.",
  },
} as const satisfies Readonly<Record<string, FunctionEntry>>;
