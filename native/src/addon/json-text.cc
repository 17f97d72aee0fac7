#include "json-text.h"

#include <array>

namespace kestrel {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

enum Kind : uint8_t { kPlain, kEscaped, kMore };

constexpr std::array<uint8_t, 256> kinds() {
  std::array<uint8_t, 256> table{};
  for (int byte = 0; byte < 0x20; byte++) table[byte] = kEscaped;
  table['"'] = kEscaped;
  table['\\'] = kEscaped;
  for (int byte = 0x80; byte < 0x100; byte++) table[byte] = kMore;
  return table;
}
constexpr std::array<uint8_t, 256> kKinds = kinds();

void write_escaped(Output& output, uint8_t byte) {
  output.byte('\\');
  switch (byte) {
    case '"':
    case '\\':
      return output.byte(static_cast<char>(byte));
    case '\n':
      return output.byte('n');
    case '\r':
      return output.byte('r');
    case '\t':
      return output.byte('t');
    default:
      output.text("u00");
      output.byte("0123456789abcdef"[byte >> 4]);
      output.byte("0123456789abcdef"[byte & 15]);
  }
}

/// Bytes of the longest beginning of a character at `at`; `whole` says whether it is one.
size_t character_at(std::string_view bytes, size_t at, bool& whole) {
  const auto byte = [&](size_t index) { return static_cast<uint8_t>(bytes[index]); };
  const uint8_t lead = byte(at);
  size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  whole = false;
  if (lead < 0xc2 || lead > 0xf4) return 1;
  // The second byte rules out what has a shorter form, surrogates, and what is above U+10FFFF.
  uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  size_t read = 1;
  for (; read < length && at + read < bytes.size(); read++) {
    if (byte(at + read) < low || byte(at + read) > high) break;
    low = 0x80;
    high = 0xbf;
  }
  whole = read == length;
  return read;
}

}  // namespace

bool write_json_text(Output& output, std::string_view bytes) {
  bool valid = true;
  size_t at = 0;
  while (at < bytes.size()) {
    size_t end = at;
    while (end < bytes.size() && kKinds[static_cast<uint8_t>(bytes[end])] == kPlain) end++;
    output.text(bytes.substr(at, end - at));
    at = end;
    if (at == bytes.size()) break;
    if (kKinds[static_cast<uint8_t>(bytes[at])] == kEscaped) {
      write_escaped(output, static_cast<uint8_t>(bytes[at++]));
      continue;
    }
    bool whole = false;
    const size_t length = character_at(bytes, at, whole);
    output.text(whole ? bytes.substr(at, length) : kReplacement);
    valid = valid && whole;
    at += length;
  }
  return valid;
}

}  // namespace kestrel
