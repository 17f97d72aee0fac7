// Records of the ring → lines of NDJSON, each a complete event with the fields of ECS; and the lines that are no events of the kernel's.
//
// Those begin with their member `kestrel`, by which runtime/src/ebpf/notes.ts finds them.
#pragma once

#include <cstdint>
#include <string>

#include "../record.h"
#include "event-classes.h"
#include "line.h"
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
  /// Where processes are looked for.
  std::string proc = "/proc";
};

/// What is found out about processes beside what records say.
struct Enrichment {
  TableLimits limits;
  /// Bits of HashSet: hashes of executables that are made.
  uint32_t hashes = 0;
  /// Whether exec events tell the capabilities.
  bool capabilities = false;
};

class LineWriter {
 public:
  /// Of the classes that are not in `written` records are read, and no lines written.
  explicit LineWriter(const Host& host, ClassSet written = kAllClasses, const Enrichment& enrichment = {});

  /// Fill it before the first record, when everything is attached.
  ProcessTable& processes() { return *context_.processes; }
  const ProcessTable& processes() const { return *context_.processes; }

  /// What is added to the boot-time clock to get the time of day, in nanoseconds. Set it before the first record.
  int64_t clock_offset() const { return context_.clock_offset; }
  void set_clock_offset(int64_t nanoseconds) { context_.clock_offset = nanoseconds; }

  /// Appends the line of the record at `data` to `lines`. False, and nothing is appended, when it is not a record as record.h
  /// describes it: a class that is not known, or a text that ends behind `size`.
  bool append(Lines& lines, const void* data, size_t size);

  /// Appends the line that says that `dropped` events of a class were lost on a CPU, until `boottime`.
  void append_loss(Lines& lines, uint64_t boottime, kestrel_class klass, uint32_t cpu, uint64_t dropped);

  /// Appends the line that says that it is `boottime`, and that nothing has happened since the line before.
  void append_tick(Lines& lines, uint64_t boottime);

 private:
  LineContext context_;
  const ClassSet written_;
};

}  // namespace kestrel
