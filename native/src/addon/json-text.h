// Bytes → the inside of a JSON string.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace kestrel {

/// A place to write to that is known to be long enough; see `kMostBytesOf`.
struct Output {
  char* at;

  void text(std::string_view bytes) {
    std::memcpy(at, bytes.data(), bytes.size());
    at += bytes.size();
  }
  void byte(char value) { *at++ = value; }
  void number(uint64_t value) { at = std::to_chars(at, at + 20, value).ptr; }
};

/// What one byte becomes at most: a control character becomes \u0000.
constexpr size_t kMostBytesOfByte = 6;

/// Writes `bytes` so that they may stand between the quotes of a JSON string. What is no UTF-8 becomes U+FFFD, one for each
/// longest beginning of a character, as decoders of the web do it. Returns whether all of it was UTF-8.
bool write_json_text(Output& output, std::string_view bytes);

}  // namespace kestrel
