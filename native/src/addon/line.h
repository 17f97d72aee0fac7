// One line of NDJSON while it is written: what the lines of all classes have in common.
//
//   begin … actor … what only the class has … end
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../record.h"
#include "account-names.h"
#include "executable-hashes.h"
#include "json-text.h"
#include "process-table.h"
#include "utc-time.h"

namespace kestrel {

/// What the lines of one process begin with, for as long as nothing changes that it was made from.
struct RenderedProcess {
  kestrel_process facts{};
  uint64_t cgroup = 0;
  int64_t clock_offset = 0;
  uint64_t names = 0;
  /// Of the table, when `serials` were last found to be those of its processes.
  uint64_t epoch = 0;
  uint64_t serials[6] = {};
  /// The members of `process`, and then what closes it and stands behind it.
  std::string text;
  size_t process_size = 0;
  uint32_t lasting = 0;
  uint32_t shortened = 0;
  bool utf8 = true;
};

/// What lines share, and what counts on from line to line.
struct LineContext {
  /// The member `host` of a line, with its name.
  std::string host;
  /// What the ids of all processes begin with, ready for a JSON string.
  std::string entity_prefix;
  AccountNames users;
  AccountNames groups;
  std::unique_ptr<ProcessTable> processes;
  ExecutableHashes hashes;
  /// Whether the lines of exec events tell the capabilities.
  bool writes_capabilities = false;
  /// By the pid's lowest bits: a busy process has a place of its own nearly always.
  std::vector<RenderedProcess> rendered = {};
  /// How often the names of users or groups were read.
  uint64_t names = 0;
  /// What is added to the boot-time clock to get the time of day, in nanoseconds.
  int64_t clock_offset = 0;
  /// Lines so far; the next one has this as its event.sequence.
  uint64_t sequence = 0;
  UtcTime utc = {};
};

/// More than all that a line has beside its texts: names of fields, numbers, times, ids, names of users and groups.
constexpr size_t kFixedBytes = 20480;

/// The most bytes of texts of the process table that a line has, before they are escaped. An executable stands there as the path and as the
/// name; arguments stand there as a list and as a line, and each of the list has two quotes and a comma, which is no more than escaping
/// makes of a byte.
constexpr size_t kTableBytes = 2 * kPathKept * 6 + /* its own, its parent's, its parent's parent's and those of three leaders */
                               2 * kPathKept +     /* working directories, its own and its parent's */
                               2 * kPathKept +     /* what it ran before, or the name of what it does something to */
                               2 * kArgsKept * 3;  /* its own arguments, its parent's and the entry leader's */

/// Of a name of a user or group, of which a line has fourteen.
constexpr size_t kLongestName = 64;

/// A text of a record, or false when it does not lie within.
bool text_of(const char* record, size_t size, kestrel_text text, std::string_view& out);

std::string_view comm_of(const char (&comm)[KESTREL_COMM_MAX]);

/// What stands behind the last slash of a path.
std::string_view base_name(std::string_view path);

/// Bytes as a JSON string, quotes included.
std::string json_string(std::string_view bytes);

/// What else is not whole in a line.
enum Shortened : uint32_t {
  /// The executable, working directory or arguments of another process than the event's own.
  kParentCut = 1 << 0,
  kEntryLeaderCut = 1 << 1,
  /// A hash was asked for, and the file was too big, or there was no time for it.
  kHashSkipped = 1 << 2,
};

/// Writes into a place that is known to be long enough; see LineWriter::append. `utf8` turns false when a text had bytes that are not
/// UTF-8. Names of members are given with their colon, and with the comma before them.
struct Line {
  Line(LineContext& context, Output begin, bool is_wanted = true) : shared(context), output(begin), wanted(is_wanted) {}

  LineContext& shared;
  Output output;
  /// Whether the line is asked for, or only what can be learnt from its record.
  const bool wanted;
  bool utf8 = true;
  /// kestrel_flag and Shortened, of what the table has.
  uint32_t lasting = 0;
  uint32_t shortened = 0;
  uint64_t cgroup = 0;

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
  void begin(const kestrel_header& header, std::string_view kind, std::string_view outcome = "success");
  /// `process`, `user`, `group` and `container`, of what a process does. Call it after begin(). `more` writes what else `process` has, with
  /// a comma before each member.
  template <typename More>
  void actor(const kestrel_process& process, More more) {
    open_process(process);
    more();
    close_process();
  }
  void actor(const kestrel_process& process) {
    actor(process, [] {});
  }
  /// As actor(), of an exec, of which all arguments are there.
  template <typename More>
  void actor_of_exec(Process& process, std::string_view args, More more) {
    open_process_of_exec(process, args);
    more();
    close_process();
  }
  /// process.args_count, args and command_line. Arguments are separated by a NUL each.
  void args(std::string_view args, uint32_t count, bool unread);

  /// Ends the line with what is ours, and no field of ECS. `more` writes what only this class has.
  template <typename More>
  void end(const kestrel_header& header, More more) {
    number(",\"kestrel\":{\"cgroup\":", header.cgroup);
    more();
    flags(header.flags | lasting);
    raw("}}\n");
    shared.sequence++;
  }

 private:
  void flags(uint32_t flags);
  void open_process(const kestrel_process& process);
  void keep_process(const Relations& all, const uint64_t (&serials)[6]);
  void open_process_of_exec(Process& process, std::string_view args);
  void close_process();
  void render_process(const Relations& all, const std::string_view* whole_args);
  void render_accounts(const kestrel_process& facts);
  void ids(const Process& process);
  void short_identity(const Process& process);
  void parent(const Relations& all);
  void leader(std::string_view name, ProcessKey key, const Process* leader, const Process& self);
  void entry_leader(const Relations& all);

  /// Of the process that was opened last: what is kept of it, if its text is, and whether that is to be kept from here on.
  RenderedProcess* kept_ = nullptr;
  bool keeps_ = false;
  kestrel_process opened_{};
};

}  // namespace kestrel
