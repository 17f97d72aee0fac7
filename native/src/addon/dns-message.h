// The bytes of a DNS message (RFC 1035) → its question, and the addresses that answer it.
//
// Whatever the bytes are, reading ends: a name follows pointers only backwards, and has at most 255 bytes on the wire.
#pragma once

#include <cstdint>
#include <string_view>

namespace kestrel {

/// Addresses of one message that are told.
constexpr size_t kMostResolved = 16;

/// A name of 255 bytes of which each is written as four, and a closing dot.
constexpr size_t kLongestDnsName = 1024;

struct DnsMessage {
  uint16_t id = 0;
  bool is_answer = false;
  uint8_t response_code = 0;
  /// Records that the message says it has in answer, of any type.
  uint16_t answers = 0;
  bool has_question = false;
  uint16_t type = 0;
  uint16_t klass = 0;
  struct Address {
    uint8_t version;
    uint8_t bytes[16];
  };
  size_t resolved = 0;
  Address addresses[kMostResolved];

  /// The name asked for, in its text form: without the last dot, "." for the root; what is not printable is \DDD.
  std::string_view name() const { return {name_, name_length_}; }

  /// Reads as much as there is. False when it is no such message; that it ends before its time is none where it `is_cut`.
  bool read(std::string_view bytes, bool is_cut);

 private:
  size_t name_length_ = 0;
  char name_[kLongestDnsName];

  enum Reading { kRead, kEnd, kWrong };
  Reading read_name(std::string_view bytes, size_t& at);
  Reading read_question(std::string_view bytes, size_t& at);
  Reading read_answer(std::string_view bytes, size_t& at);
};

/// "AAAA"; empty for a type that has no name here.
std::string_view dns_type_name(uint16_t type);
/// "IN"; empty for a class that has no name.
std::string_view dns_class_name(uint16_t klass);
/// "NXDOMAIN"; empty for a code that has no name.
std::string_view dns_response_name(uint8_t code);

}  // namespace kestrel
