// Bytes of whole lines, written in place: std::string would fill with zeros what is about to be written.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>

namespace kestrel {

struct Lines {
  /// A quiet machine needs no more for one chunk.
  static constexpr size_t kFirstBytes = 1 << 16;

  std::unique_ptr<char[]> bytes;
  size_t size = 0;
  size_t capacity = 0;

  /// Where to write on, with place for `more` bytes. What was written is then added to `size`.
  char* reserve(size_t more) {
    if (capacity - size < more) {
      const size_t wanted = std::max({kFirstBytes, capacity * 2, size + more});
      std::unique_ptr<char[]> grown(new char[wanted]);
      if (size != 0) std::memcpy(grown.get(), bytes.get(), size);
      bytes = std::move(grown);
      capacity = wanted;
    }
    return bytes.get() + size;
  }
};

}  // namespace kestrel
