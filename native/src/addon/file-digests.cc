#include "file-digests.h"

#include <algorithm>
#include <cstring>

namespace kestrel {
namespace {

constexpr size_t kBlock = 64;

constexpr uint32_t left(uint32_t word, int bits) { return word << bits | word >> (32 - bits); }
constexpr uint32_t right(uint32_t word, int bits) { return word >> bits | word << (32 - bits); }

uint32_t big_endian(const uint8_t* at) {
  return uint32_t{at[0]} << 24 | uint32_t{at[1]} << 16 | uint32_t{at[2]} << 8 | at[3];
}
uint32_t little_endian(const uint8_t* at) {
  return uint32_t{at[3]} << 24 | uint32_t{at[2]} << 16 | uint32_t{at[1]} << 8 | at[0];
}

// The first 32 bits of the fractions of the cube roots of the first 64 primes.
constexpr uint32_t kSha256Words[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

// The first 32 bits of the absolute sines of 1 to 64.
constexpr uint32_t kMd5Words[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1,
    0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453,
    0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942,
    0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05,
    0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d,
    0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};
constexpr int kMd5Turns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

void md5_block(uint32_t* words, const uint8_t* bytes) {
  uint32_t a = words[0], b = words[1], c = words[2], d = words[3];
  for (int round = 0; round < 64; round++) {
    uint32_t mixed;
    int taken;
    if (round < 16) {
      mixed = (b & c) | (~b & d);
      taken = round;
    } else if (round < 32) {
      mixed = (d & b) | (~d & c);
      taken = (5 * round + 1) % 16;
    } else if (round < 48) {
      mixed = b ^ c ^ d;
      taken = (3 * round + 5) % 16;
    } else {
      mixed = c ^ (b | ~d);
      taken = 7 * round % 16;
    }
    const uint32_t sum = a + mixed + kMd5Words[round] + little_endian(bytes + 4 * taken);
    a = d;
    d = c;
    c = b;
    b += left(sum, kMd5Turns[round / 16][round % 4]);
  }
  words[0] += a;
  words[1] += b;
  words[2] += c;
  words[3] += d;
}

void sha1_block(uint32_t* words, const uint8_t* bytes) {
  uint32_t schedule[80];
  for (int at = 0; at < 16; at++) schedule[at] = big_endian(bytes + 4 * at);
  for (int at = 16; at < 80; at++) {
    schedule[at] = left(schedule[at - 3] ^ schedule[at - 8] ^ schedule[at - 14] ^ schedule[at - 16], 1);
  }
  uint32_t a = words[0], b = words[1], c = words[2], d = words[3], e = words[4];
  const auto step = [&](uint32_t mixed, uint32_t constant, int round) {
    const uint32_t sum = left(a, 5) + mixed + e + constant + schedule[round];
    e = d;
    d = c;
    c = left(b, 30);
    b = a;
    a = sum;
  };
  for (int round = 0; round < 20; round++) step((b & c) | (~b & d), 0x5a827999, round);
  for (int round = 20; round < 40; round++) step(b ^ c ^ d, 0x6ed9eba1, round);
  for (int round = 40; round < 60; round++) step((b & c) | (b & d) | (c & d), 0x8f1bbcdc, round);
  for (int round = 60; round < 80; round++) step(b ^ c ^ d, 0xca62c1d6, round);
  words[0] += a;
  words[1] += b;
  words[2] += c;
  words[3] += d;
  words[4] += e;
}

void sha256_block(uint32_t* words, const uint8_t* bytes) {
  uint32_t schedule[64];
  for (int at = 0; at < 16; at++) schedule[at] = big_endian(bytes + 4 * at);
  for (int at = 16; at < 64; at++) {
    const uint32_t near = schedule[at - 2];
    const uint32_t far = schedule[at - 15];
    schedule[at] = schedule[at - 16] + schedule[at - 7] + (right(far, 7) ^ right(far, 18) ^ far >> 3) +
                   (right(near, 17) ^ right(near, 19) ^ near >> 10);
  }
  uint32_t state[8];
  std::memcpy(state, words, sizeof(state));
  auto& [a, b, c, d, e, f, g, h] = state;
  for (int round = 0; round < 64; round++) {
    const uint32_t first = h + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + ((e & f) ^ (~e & g)) + kSha256Words[round] + schedule[round];
    const uint32_t second = (right(a, 2) ^ right(a, 13) ^ right(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  for (int at = 0; at < 8; at++) words[at] += state[at];
}

// MD5 and SHA-1 begin with the same words; SHA-256 with fractions of square roots of primes.
constexpr uint32_t kFirstWords[8] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0, 0, 0, 0};
constexpr uint32_t kFirstSha256[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

}  // namespace

Digest::Digest(HashSet kind) : kind_(kind) {
  std::memcpy(words_, kind == kSha256 ? kFirstSha256 : kFirstWords, sizeof(words_));
}

void Digest::block(const uint8_t* bytes) {
  if (kind_ == kMd5) return md5_block(words_, bytes);
  if (kind_ == kSha1) return sha1_block(words_, bytes);
  sha256_block(words_, bytes);
}

void Digest::add(const void* data, size_t size) {
  auto bytes = static_cast<const uint8_t*>(data);
  const size_t waiting = size_ % kBlock;
  size_ += size;
  if (waiting != 0) {
    const size_t taken = std::min(size, kBlock - waiting);
    std::memcpy(rest_ + waiting, bytes, taken);
    if (waiting + taken < kBlock) return;
    block(rest_);
    bytes += taken;
    size -= taken;
  }
  for (; size >= kBlock; bytes += kBlock, size -= kBlock) block(bytes);
  std::memcpy(rest_, bytes, size);
}

std::string Digest::end() {
  const uint64_t bits = size_ * 8;
  const uint8_t one = 0x80, zero = 0;
  add(&one, 1);
  while (size_ % kBlock != kBlock - 8) add(&zero, 1);
  uint8_t length[8];
  for (int at = 0; at < 8; at++) length[at] = static_cast<uint8_t>(bits >> (kind_ == kMd5 ? 8 * at : 56 - 8 * at));
  add(length, sizeof(length));
  const int words = kind_ == kMd5 ? 4 : kind_ == kSha1 ? 5 : 8;
  std::string text;
  for (int at = 0; at < 4 * words; at++) {
    const int shift = kind_ == kMd5 ? 8 * (at % 4) : 24 - 8 * (at % 4);
    const uint32_t byte = words_[at / 4] >> shift & 0xff;
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

}  // namespace kestrel
