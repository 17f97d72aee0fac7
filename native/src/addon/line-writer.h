// Records of the ring → lines of NDJSON, each a complete event with the fields of ECS.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "../record.h"
#include "account-names.h"
#include "lines.h"

namespace kestrel {

/// What every line says of the machine.
struct Host {
  std::string name;
  std::string id;
  /// Of this start of the machine; part of the ids of processes.
  std::string boot_id;
  /// Where the names of users and groups stand.
  std::string users = "/etc/passwd";
  std::string groups = "/etc/group";
};

class LineWriter {
 public:
  explicit LineWriter(const Host& host);

  /// What is added to the boot-time clock to get the time of day, in nanoseconds. Set it before the first record.
  int64_t clock_offset = 0;

  /// Appends the line of the record at `data` to `lines`. False, and nothing is appended, when it is not a record as record.h
  /// describes it: a class that is not known, or a text that ends behind `size`.
  bool append(Lines& lines, const void* data, size_t size);

  /// Appends the line that says that `dropped` events of a class were lost on a CPU, until `boottime`.
  void append_loss(Lines& lines, uint64_t boottime, kestrel_class klass, uint32_t cpu, uint64_t dropped);

  /// Lines so far; the next one has this as its event.sequence.
  uint64_t sequence = 0;

 private:
  struct Line;
  std::string host_;
  std::string entity_prefix_;
  AccountNames users_;
  AccountNames groups_;
  /// The day, counted from 1970, whose date `day_text_` is.
  int64_t day_ = INT64_MIN;
  char day_text_[11];
};

/// The name of a class, as event.action has it in summaries: "exec".
std::string_view class_name(uint32_t klass);

}  // namespace kestrel
