// What a host that is made for a test says of texts -> how it copies them.

import { copyCharacters } from "@kestrel/runtime/foreign/copy-characters";
import type { ForeignHost } from "@kestrel/runtime/foreign/foreign-host";

export function copying(text: ForeignHost["text"]): ForeignHost["copyText"] {
  return (field, index, into, start, room) => {
    const found = text(field, index);
    return found === null ? 0 : copyCharacters(found, 0, found.length, into, start, room);
  };
}
