// Bytes → MD5, SHA-1 and SHA-256, as RFC 1321 and FIPS 180-4 have them. The addon is linked to no library that has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace kestrel {

enum HashSet : uint32_t { kMd5 = 1 << 0, kSha1 = 1 << 1, kSha256 = 1 << 2 };

/// All three take blocks of 64 bytes into up to eight words, and end with the length in bits.
class Digest {
 public:
  explicit Digest(HashSet kind);
  void add(const void* bytes, size_t size);
  /// In hexadecimal digits. Nothing can be added after it.
  std::string end();

 private:
  void block(const uint8_t* bytes);

  const HashSet kind_;
  uint32_t words_[8];
  uint64_t size_ = 0;
  uint8_t rest_[64];
};

}  // namespace kestrel
