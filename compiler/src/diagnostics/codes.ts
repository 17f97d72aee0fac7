// Every diagnostic code that eqlc can print, with the sentence that documents it. Codes are never reused.
// E0104 was "Two rules have the same id." and is W0511 now; E0401 was "The construct cannot be compiled yet."
// E01xx reading rule files, E02xx lexing and parsing, E03xx binding and typing, E04xx planning and lowering,
// W05xx warnings, N06xx notes.

export const CODES = {
  E0101: "The path cannot be read.",
  E0102: "The file is not valid TOML, YAML or JSON.",
  E0103: "The rule lacks a key that it must have, or a key holds a value of the wrong kind.",
  E0105: "No rule was found under the given paths.",
  E0106: "The rule is written in a language other than EQL.",
  E0201: "A character does not belong to the language.",
  E0202: "A string, comment or escaped name is not closed, or a string holds a bad escape.",
  E0203: "The parser expected something else here.",
  E0204: "The construct belongs to the other dialect.",
  E0205: "A number or time unit is out of range or malformed.",
  E0206: "The query is nested too deeply or is too long.",
  E0301: "The field is not in the schema.",
  E0302: "The function does not exist.",
  E0303: "The operand has the wrong type.",
  E0304: "The function was given a wrong number of arguments, or an argument that must be a constant is not.",
  E0305: "The condition is not a boolean.",
  E0306: "The terms of a sequence, sample or join do not have the same number of keys, or a key is not a field.",
  E0307: "The sequence, sample or join is malformed (missing maxspan, no positive term, too few terms).",
  E0308: "The pipe does not exist, or its arguments are wrong.",
  E0309: "The regular expression, wildcard or address range is malformed.",
  E0310: "A name is used that no earlier term or variable defines.",
  E0402: "The compiled form of the rule would pass a stated limit.",
  E0403: "eqlc itself failed on the rule.",
  W0501: "The pipe has no meaning in a stream; every match alerts.",
  W0502: "A sequence of one term behaves as an event query.",
  W0503: "The condition can never be true.",
  W0504: "The comparison is always null.",
  W0505: "A wildcard stands where it is an ordinary character.",
  W0506: "The sequence has no maxspan.",
  W0507: "No index narrows the rule: it is tried on every event.",
  W0508: "The suppression suppresses nothing.",
  W0509: "The escape is not one of Elastic's; the backslash was dropped.",
  W0510: "The field is not listed; its namespace takes any name.",
  W0511: "Two rules have the same id.",
  N0601: "The file is not a rule and was left out.",
} as const;

export type Code = keyof typeof CODES;
