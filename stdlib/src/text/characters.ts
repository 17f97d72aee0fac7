// Characters by name, for code that works on bytes of UTF-8. AssemblyScript (stdlib/prelude) and the runtime import this file,
// so it holds literal constants only.

export const BACKSPACE = 0x08;
export const TAB = 0x09;
export const LINE_FEED = 0x0a;
export const FORM_FEED = 0x0c;
export const CARRIAGE_RETURN = 0x0d;
/** Everything below is a control character. */
export const SPACE = 0x20;
export const QUOTE = 0x22;
export const PLUS = 0x2b;
export const COMMA = 0x2c;
export const MINUS = 0x2d;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const DIGIT_0 = 0x30;
export const COLON = 0x3a;
export const UPPER_A = 0x41;
export const UPPER_T = 0x54;
export const UPPER_Z = 0x5a;
export const BRACKET_OPEN = 0x5b;
export const BACKSLASH = 0x5c;
export const BRACKET_CLOSE = 0x5d;
export const LOWER_A = 0x61;
export const LOWER_B = 0x62;
export const LOWER_E = 0x65;
export const LOWER_F = 0x66;
export const LOWER_L = 0x6c;
export const LOWER_N = 0x6e;
export const LOWER_R = 0x72;
export const LOWER_S = 0x73;
export const LOWER_T = 0x74;
export const LOWER_U = 0x75;
export const LOWER_Z = 0x7a;
export const BRACE_OPEN = 0x7b;
export const BRACE_CLOSE = 0x7d;

/** The bit that makes an ASCII letter lower case, and a bracket a brace. */
export const CASE_BIT = 0x20;
/** What stands for text that cannot be read. */
export const REPLACEMENT_CHARACTER = 0xfffd;

// Short words as the little-endian number that their bytes make, to be compared in one go.
export const WORD_TRUE = 0x65757274;
/** What follows the f of `false`. */
export const WORD_ALSE = 0x65736c61;
export const WORD_NULL = 0x6c6c756e;
export const WORD_0X = 0x7830;
