// Records → what is known of every process: a pid and its start → executable, arguments, ids, parent and leaders.
//
// The table is filled once with what is running, then lives on exec, fork and exit records. A fork's child has its parent's image; an exec
// replaces it; an exit marks the process as ended, and it is kept for a while, because children and late events refer to it. A process that
// an event names and that is not here is looked for in /proc once.
//
// INVARIANT: no text here is longer than the k…Kept below, which is what the room for a line is computed from.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "../record.h"
#include "container-ids.h"
#include "proc-files.h"

namespace kestrel {

/// What is kept of a text. An exec's own line has its arguments whole; lines of later events have so much of them.
constexpr size_t kArgsKept = 4096;
constexpr size_t kPathKept = KESTREL_PATH_MAX + sizeof(" (deleted)");

/// Of flags of an exec, those that hold on for every event of the process: something of it is not whole.
constexpr uint32_t kLastingFlags = KESTREL_FLAG_ARGS_CUT | KESTREL_FLAG_ARGS_UNREAD | KESTREL_FLAG_EXECUTABLE_CUT |
                                   KESTREL_FLAG_DIRECTORY_CUT | KESTREL_FLAG_PATH_TORN;

/// What a process runs. A fork shares it with its parent.
struct Image {
  std::string executable;
  std::string directory;
  /// Separated by NULs, and without one at the end.
  std::string args;
  uint32_t args_count = 0;
  /// Of kLastingFlags.
  uint32_t flags = 0;
  /// Without " (deleted)".
  size_t path_length = 0;

  /// The base name of the executable; empty when there is none, as of a kernel's thread.
  std::string_view name() const;
  size_t bytes() const { return sizeof(Image) + executable.capacity() + directory.capacity() + args.capacity(); }
};

/// The start is 0 where it is not known.
struct ProcessKey {
  uint32_t pid = 0;
  uint64_t start = 0;
  bool operator==(const ProcessKey& other) const { return pid == other.pid && start == other.start; }
  bool operator!=(const ProcessKey& other) const { return !(*this == other); }
};

/// How the session came to be that a process belongs to; see entry-leader.cc.
enum class EntryType : uint8_t { kUnset, kUnknown, kInit, kSshd, kSsm, kContainer, kTerminal, kConsole };

struct Process {
  /// As the last record about it has it, or as it was found. `tid` is 0.
  kestrel_process facts{};
  std::shared_ptr<const Image> image;
  /// What it ran before its last exec.
  std::shared_ptr<const Image> previous;
  ProcessKey parent;
  /// What forked it: a process whose parent has ended is given another.
  ProcessKey creator;
  ProcessKey group_leader;
  ProcessKey session_leader;
  ProcessKey entry_leader;
  EntryType entry_type = EntryType::kUnset;
  /// Whether ids and terminal in `facts` are known.
  bool has_ids = false;
  /// Whether the start is the kernel's own, in nanoseconds; else it is that of /proc, in hundredths of a second.
  bool exact = true;
  bool ended = false;
  /// Differs from that of any other state of any process.
  uint64_t serial = 0;
  /// When it was found running, on the boot-time clock; 0 when a record told of it. What happened before is older than what is known.
  uint64_t found = 0;
  uint64_t cgroup = 0;

  ProcessKey key() const { return {facts.pid, facts.start}; }
  std::string_view name() const;
  bool is_session_leader() const { return session_leader.pid == facts.pid; }

 private:
  friend class ProcessTable;
  /// Processes that had this pid before, the last one first.
  std::unique_ptr<Process> older;
  // Its place in the list of those that run or that have ended.
  Process* before = nullptr;
  Process* after = nullptr;
};

/// Those that the line of an event tells of. Each may be missing.
struct Relations {
  Process* self = nullptr;
  Process* parent = nullptr;
  Process* grandparent = nullptr;
  Process* group_leader = nullptr;
  Process* session_leader = nullptr;
  Process* entry_leader = nullptr;
};

/// What the table may take; when it is full the processes that ended first go first.
struct TableLimits {
  size_t entries = 1 << 16;
  size_t ended = 1 << 14;
  size_t bytes = 64 << 20;
};

struct TableCounters {
  uint64_t known;
  uint64_t bytes;
  /// Processes that were forgotten for want of room.
  uint64_t evicted;
  /// Processes that were looked for in /proc because an event named them, and of these such that were not there any more.
  uint64_t looked_up;
  uint64_t not_found;
};

class ProcessTable {
 public:
  /// `proc` is the folder where processes are looked for: /proc.
  ProcessTable(std::string proc, TableLimits limits);
  ProcessTable(const ProcessTable&) = delete;
  ProcessTable& operator=(const ProcessTable&) = delete;

  /// Adds a process that was found by the kernel's iterator, at `now`.
  void add_found(const kestrel_found& found, uint64_t now);
  /// Adds what /proc has and the iterator did not find: all of it where there is no iterator, and what a kernel hides from it.
  void add_all_of_proc();

  /// The process of a record, with what the record says of it. Any record but an exec or a fork.
  Process& observe(const kestrel_process& process, uint64_t cgroup);
  /// The child of a fork.
  Process& fork(const kestrel_process& child, uint64_t cgroup);
  /// The process of an exec, which has that image from now on.
  Process& exec(const kestrel_process& process, Image image, uint64_t cgroup, uint64_t time);
  void end(Process& process);

  /// The others that a line tells of. It may look them up, and what it returns is good until the next call of anything here.
  Relations relations(Process& self);

  /// The process of that key, if it is known; nothing is looked up.
  Process* find(ProcessKey key);

  /// Changes whenever anything here does.
  uint64_t epoch() const { return serial_; }
  ContainerIds& containers() { return containers_; }
  /// May be called by any thread.
  TableCounters counters() const;

 private:
  struct Order {
    Process* first = nullptr;
    Process* last = nullptr;
    size_t size = 0;
  };
  void append(Order& order, Process& process);
  void remove(Order& order, Process& process);
  Order& order_of(const Process& process) { return process.ended ? ended_ : running_; }

  Process& insert(std::unique_ptr<Process> process);
  void forget(Process& process);
  void make_room();
  void changed(Process& process) { process.serial = ++serial_; }
  /// Takes over what a record says. True when anything is new.
  bool take_facts(Process& process, const kestrel_process& facts, uint64_t cgroup);
  /// A process that an event names: known, found in /proc, or else remembered with nothing but its short name.
  Process* find_or_look_up(ProcessKey key, std::string_view comm);
  /// A process that runs and of which only the pid is known, as of a parent's parent.
  ProcessKey key_of_running(uint32_t pid, int depth);
  /// Without a start the process is one that only /proc tells of.
  Process& add_of_proc(ProcFacts&& facts, uint64_t start, int depth);
  std::shared_ptr<const Image> keep(Image image);
  void find_entry_leader(Process& process);
  /// Whether the process is in a container, and what forked it is not in the same.
  bool enters_container(const Process& process, const Process& creator);
  uint64_t bytes() const;

  const std::string proc_;
  const TableLimits limits_;
  /// Whether pids in /proc are those of records, which are of the first namespace.
  const bool same_pids_;
  std::unordered_map<uint32_t, std::unique_ptr<Process>> newest_;
  Order running_;
  Order ended_;
  /// Of images, which are freed with the last process that has them.
  std::shared_ptr<std::atomic<uint64_t>> image_bytes_ = std::make_shared<std::atomic<uint64_t>>(0);
  uint64_t serial_ = 0;
  /// Pids that more processes had than are kept of one.
  std::vector<uint32_t> reused_;
  ContainerIds containers_;
  std::atomic<uint64_t> known_ = 0;
  std::atomic<uint64_t> evicted_ = 0;
  std::atomic<uint64_t> looked_up_ = 0;
  std::atomic<uint64_t> not_found_ = 0;
};

}  // namespace kestrel
