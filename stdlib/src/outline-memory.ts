// The contract between the module that outlines a line (stdlib/outline) and the runtime that asks it: what stands where in its memory.
// AssemblyScript imports this file, so it holds literal constants only.

/** What the object is said to be, a sum of OUTLINE_*. */
export const OUTLINE_FLAGS = 1024;
/** White space stands around its brackets, commas and colons. */
export const OUTLINE_SPACED = 1;
/** It holds characters beyond ASCII. */
export const OUTLINE_BEYOND_ASCII = 2;
/** The name of a member, not of one further inside, holds a dot. */
export const OUTLINE_DOTS = 4;

/** As many names as an event has at most, but for one in thousands. */
export const OUTLINE_NAMES = 512;
/** For each member four words: where its name begins, behind the quote, and ends; where its value begins and ends. All from the object's begin. */
export const OUTLINE_PLACES = 2048;
export const OUTLINE_PLACE_WORDS = 4;
/** Behind the places: for each object or list that is open a word, the number of the object; 0 for a list. */
export const OUTLINE_OPEN = 10240;
/** The names of the line by their hashes, half of it in use at most: a hash of 8 bytes, and the number of the line in 8. */
export const OUTLINE_TABLE = 16384;
export const OUTLINE_TABLE_SLOTS = 1024;
export const OUTLINE_SLOT_BYTES = 16;

/** Where the object begins; a block is left free behind it. What does not fit has no outline. */
export const OUTLINE_INPUT = 32768;
export const OUTLINE_MOST_BYTES = 1048576;
