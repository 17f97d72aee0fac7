// One line of NDJSON while it is written: what the lines of all classes have in common.
//
//   begin … actor … what only the class has … end
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "../record.h"
#include "account-names.h"
#include "json-text.h"
#include "utc-time.h"

namespace kestrel {

/// What lines share, and what counts on from line to line.
struct LineContext {
  /// The member `host` of a line, with its name.
  std::string host;
  /// What the ids of all processes begin with, ready for a JSON string.
  std::string entity_prefix;
  AccountNames users;
  AccountNames groups;
  /// What is added to the boot-time clock to get the time of day, in nanoseconds.
  int64_t clock_offset = 0;
  /// Lines so far; the next one has this as its event.sequence.
  uint64_t sequence = 0;
  UtcTime utc;
};

/// More than all that a line has beside the texts of its record: names of fields, numbers, times, ids.
constexpr size_t kFixedBytes = 16384;

/// Of a name of a user or group, of which a line has ten.
constexpr size_t kLongestName = 64;

/// A text of a record, or false when it does not lie within.
bool text_of(const char* record, size_t size, kestrel_text text, std::string_view& out);

std::string_view comm_of(const char (&comm)[KESTREL_COMM_MAX]);

/// What stands behind the last slash of a path.
std::string_view base_name(std::string_view path);

/// Bytes as a JSON string, quotes included.
std::string json_string(std::string_view bytes);

/// Writes into a place that is known to be long enough; see LineWriter::append. `utf8` turns false when a text had bytes that are not
/// UTF-8. Names of members are given with their colon, and with the comma before them.
struct Line {
  LineContext& shared;
  Output output;
  bool utf8 = true;

  void raw(std::string_view text) { output.text(text); }
  void quoted(std::string_view bytes) {
    output.byte('"');
    utf8 = write_json_text(output, bytes) && utf8;
    output.byte('"');
  }
  void number(std::string_view name, uint64_t value) {
    raw(name);
    output.number(value);
  }
  void text(std::string_view name, std::string_view bytes) {
    raw(name);
    quoted(bytes);
  }
  /// A time of the boot-time clock.
  void time(uint64_t boottime);
  /// A user or a group. Ids are texts in ECS.
  void account(std::string_view name, uint32_t id, AccountNames& names);
  /// `,"entity_id":…` of a process.
  void entity(uint32_t pid, uint64_t start);

  /// The time, `event` and `host`. `kind` are the members category, type and action of `event`.
  void begin(const kestrel_header& header, std::string_view kind);
  /// `process`, `user` and `group`, of what a process does that is known already.
  void actor(const kestrel_process& process);
  /// The first members of `process`, which relations() ends.
  void identity(const kestrel_process& process, std::string_view name);
  /// The last members of `process`, and `user` and `group`.
  void relations(const kestrel_process& process);
  /// A process that is a relation of the event's: its parent, the leader of its group or session.
  void relation(std::string_view name, uint32_t pid, uint64_t start, std::string_view comm);
  /// process.args_count, args and command_line. Arguments end with a NUL each; the last one of a text that was cut does not.
  void args(std::string_view args, uint32_t count, bool unread);

  /// Ends the line with what is ours, and no field of ECS. `more` writes what only this class has.
  template <typename More>
  void end(const kestrel_header& header, More more) {
    number(",\"kestrel\":{\"cgroup\":", header.cgroup);
    more();
    flags(header.flags);
    raw("}}\n");
    shared.sequence++;
  }

 private:
  void flags(uint32_t flags);
};

}  // namespace kestrel
