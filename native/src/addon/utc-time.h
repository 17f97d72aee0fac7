// Nanoseconds since 1970 → the time as JSON has it: "2026-01-02T03:04:05.123456789Z".
#pragma once

#include <cstdint>

namespace kestrel {

class UtcTime {
 public:
  /// Bytes that a time takes, its quotes included.
  static constexpr int kBytes = 32;

  /// Writes the time at `at`, and returns where it ends.
  char* put(char* at, int64_t nanoseconds);

 private:
  /// The day, counted from 1970, whose date `text_` is: a line has many times, nearly all of one day.
  int64_t day_ = INT64_MIN;
  char text_[11];
};

}  // namespace kestrel
