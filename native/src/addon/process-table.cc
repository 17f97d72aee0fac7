#include "process-table.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "entry-leader.h"
#include "line.h"

namespace kestrel {
namespace {

/// Processes that are kept of one pid; more than two is rare, and each is a step of every search.
constexpr size_t kKeptOfPid = 8;

/// Ancestors that are followed. A process that has more belongs to no session that a person entered.
constexpr int kMostAncestors = 64;

/// What an entry costs beside its texts: itself and its place in the map, and what the allocator adds to both.
constexpr size_t kEntryBytes = sizeof(Process) + 96;

constexpr std::string_view kDeleted = " (deleted)";

/// The inode of the first pid namespace, on every machine.
constexpr ino_t kFirstPidNamespace = 0xeffffffc;

bool has_first_pids(const std::string& proc) {
  struct stat own {};
  // Without it the folder is a test's own.
  return stat((proc + "/self/ns/pid").c_str(), &own) != 0 || own.st_ino == kFirstPidNamespace;
}

uint64_t tick_of(uint64_t start) { return start / kProcTick; }

bool is_of_proc(uint64_t start) { return start % kProcTick == 0; }

uint64_t now() {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1000000000 + static_cast<uint64_t>(time.tv_nsec);
}

void put_comm(char (&to)[KESTREL_COMM_MAX], std::string_view comm) {
  std::memset(to, 0, sizeof(to));
  std::memcpy(to, comm.data(), std::min(comm.size(), sizeof(to)));
}

/// Threads of the kernel run no program, and of what is about to end none is shown.
bool has_image(const ProcFacts& facts) { return !facts.executable.empty() || facts.args_count != 0; }

Image image_of(ProcFacts&& facts) {
  Image image;
  image.executable = std::move(facts.executable);
  image.directory = std::move(facts.directory);
  image.args = std::move(facts.args);
  image.args_count = facts.args_count;
  if (facts.args_cut) image.flags |= KESTREL_FLAG_ARGS_CUT;
  const std::string& path = image.executable;
  image.path_length = path.size();
  if (path.size() > kDeleted.size() && std::string_view(path).substr(path.size() - kDeleted.size()) == kDeleted) {
    image.path_length -= kDeleted.size();
  }
  return image;
}

/// A leader as a record has it. One that has ended has no start there, and is the one that was known.
void take_leader(ProcessKey& known, uint32_t pid, uint64_t start) {
  if (start != 0 || pid != known.pid) known = {pid, start};
}

}  // namespace

std::string_view Image::name() const { return base_name(std::string_view(executable).substr(0, path_length)); }

std::string_view Process::name() const {
  return image == nullptr || image->executable.empty() ? comm_of(facts.comm) : image->name();
}

ProcessTable::ProcessTable(std::string proc, TableLimits limits)
    : proc_(std::move(proc)), limits_(limits), same_pids_(has_first_pids(proc_)) {}

void ProcessTable::append(Order& order, Process& process) {
  process.before = order.last;
  process.after = nullptr;
  (order.last == nullptr ? order.first : order.last->after) = &process;
  order.last = &process;
  order.size++;
}

void ProcessTable::remove(Order& order, Process& process) {
  (process.before == nullptr ? order.first : process.before->after) = process.after;
  (process.after == nullptr ? order.last : process.after->before) = process.before;
  order.size--;
}

Process& ProcessTable::insert(std::unique_ptr<Process> process) {
  Process& added = *process;
  std::unique_ptr<Process>* place = &newest_[added.facts.pid];
  size_t had = 0;
  for (const Process* one = place->get(); one != nullptr; one = one->older.get()) had++;
  // One of them goes when room is made next: what is at hand may be it.
  if (had >= kKeptOfPid) reused_.push_back(added.facts.pid);
  while (*place != nullptr && (*place)->facts.start > added.facts.start) place = &(*place)->older;
  added.older = std::move(*place);
  *place = std::move(process);
  append(order_of(added), added);
  known_.fetch_add(1, std::memory_order_relaxed);
  changed(added);
  return added;
}

void ProcessTable::forget(Process& process) {
  remove(order_of(process), process);
  const auto place = newest_.find(process.facts.pid);
  std::unique_ptr<Process>* link = &place->second;
  while (link->get() != &process) link = &(*link)->older;
  std::unique_ptr<Process> gone = std::move(*link);
  *link = std::move(gone->older);
  if (place->second == nullptr) newest_.erase(place);
  known_.fetch_sub(1, std::memory_order_relaxed);
  evicted_.fetch_add(1, std::memory_order_relaxed);
  serial_++;
}

uint64_t ProcessTable::bytes() const {
  return known_.load(std::memory_order_relaxed) * kEntryBytes + image_bytes_->load(std::memory_order_relaxed);
}

void ProcessTable::make_room() {
  while (!reused_.empty()) {
    Process* oldest = newest_[reused_.back()].get();
    while (oldest != nullptr && oldest->older != nullptr) oldest = oldest->older.get();
    if (oldest != nullptr) forget(*oldest);
    reused_.pop_back();
  }
  while (running_.size + ended_.size > 0 &&
         (running_.size + ended_.size >= limits_.entries || ended_.size > limits_.ended || bytes() > limits_.bytes)) {
    forget(ended_.first != nullptr ? *ended_.first : *running_.first);
  }
}

Process* ProcessTable::find(ProcessKey key) {
  const auto place = newest_.find(key.pid);
  if (place == newest_.end()) return nullptr;
  for (Process* one = place->second.get(); one != nullptr; one = one->older.get()) {
    if (one->facts.start == key.start) return one;
    const bool near = tick_of(one->facts.start) == tick_of(key.start);
    if (near && one->exact && is_of_proc(key.start)) return one;
    if (near && !one->exact) {
      // A record tells of a process that was found in /proc: now its start is known.
      one->facts.start = key.start;
      one->exact = true;
      changed(*one);
      return one;
    }
  }
  return nullptr;
}

std::shared_ptr<const Image> ProcessTable::keep(Image image) {
  const auto cut = [&](std::string& text, size_t most, uint32_t flag, bool from_front) {
    if (text.size() > most) {
      image.flags |= flag;
      if (from_front) {
        text.resize(most);
      } else {
        text.erase(0, text.size() - most);
      }
    }
    text.shrink_to_fit();
  };
  cut(image.executable, kPathKept, KESTREL_FLAG_EXECUTABLE_CUT, false);
  cut(image.directory, kPathKept, KESTREL_FLAG_DIRECTORY_CUT, false);
  cut(image.args, kArgsKept, KESTREL_FLAG_ARGS_CUT, true);
  image.path_length = std::min(image.path_length, image.executable.size());
  const size_t bytes = image.bytes();
  image_bytes_->fetch_add(bytes, std::memory_order_relaxed);
  return {new Image(std::move(image)), [count = image_bytes_, bytes](const Image* gone) {
            count->fetch_sub(bytes, std::memory_order_relaxed);
            delete gone;
          }};
}

bool ProcessTable::take_facts(Process& process, const kestrel_process& facts, uint64_t cgroup) {
  kestrel_process taken = facts;
  taken.tid = 0;
  if (process.has_ids && process.cgroup == cgroup && std::memcmp(&taken, &process.facts, sizeof(taken)) == 0) return false;
  const bool led = process.is_session_leader();
  process.facts = taken;
  process.has_ids = true;
  process.cgroup = cgroup;
  process.parent = {facts.parent_pid, facts.parent_start};
  if (process.creator.pid == 0) process.creator = process.parent;
  take_leader(process.group_leader, facts.group_leader_pid, facts.group_leader_start);
  take_leader(process.session_leader, facts.session_leader_pid, facts.session_leader_start);
  // A new session may have been entered, and is otherwise of the one that it was made in.
  if (!led && process.is_session_leader() && process.entry_type != EntryType::kUnset) {
    const Process* const creator = find(process.creator);
    const EntryType how = how_entered(process, creator, creator != nullptr && enters_container(process, *creator));
    if (how != EntryType::kUnset) {
      process.entry_type = how;
      process.entry_leader = process.key();
    }
  }
  changed(process);
  return true;
}

Process* ProcessTable::find_or_look_up(ProcessKey key, std::string_view comm) {
  Process* const known = find(key);
  if (known != nullptr) return known;
  looked_up_.fetch_add(1, std::memory_order_relaxed);
  ProcFacts facts;
  if (same_pids_ && read_proc(proc_, key.pid, kArgsKept, facts) && facts.start_ticks == tick_of(key.start)) {
    return &add_of_proc(std::move(facts), key.start, 0);
  }
  not_found_.fetch_add(1, std::memory_order_relaxed);
  auto gone = std::make_unique<Process>();
  gone->facts.pid = key.pid;
  gone->facts.start = key.start;
  gone->ended = true;
  put_comm(gone->facts.comm, comm);
  return &insert(std::move(gone));
}

ProcessKey ProcessTable::key_of_running(uint32_t pid, int depth) {
  if (pid == 0) return {};
  const auto place = newest_.find(pid);
  if (place != newest_.end() && !place->second->ended) return place->second->key();
  ProcFacts facts;
  if (depth > kMostAncestors || !read_proc(proc_, pid, kArgsKept, facts)) return {pid, 0};
  return add_of_proc(std::move(facts), 0, depth).key();
}

Process& ProcessTable::add_of_proc(ProcFacts&& facts, uint64_t start, int depth) {
  auto found = std::make_unique<Process>();
  kestrel_process& known = found->facts;
  known.pid = facts.pid;
  known.start = start == 0 ? facts.start_ticks * kProcTick : start;
  known.parent_pid = facts.parent;
  known.uid = facts.uids[0];
  known.euid = facts.uids[1];
  known.suid = facts.uids[2];
  known.gid = facts.gids[0];
  known.egid = facts.gids[1];
  known.sgid = facts.gids[2];
  known.tty_major = facts.tty_major;
  known.tty_minor = facts.tty_minor;
  put_comm(known.comm, facts.comm);
  found->has_ids = facts.has_ids;
  found->exact = start != 0;
  found->ended = facts.zombie;
  found->found = now();
  const uint32_t parent = facts.parent;
  const uint32_t group_leader = facts.group_leader;
  const uint32_t session_leader = facts.session_leader;
  if (has_image(facts)) found->image = keep(image_of(std::move(facts)));
  Process& added = insert(std::move(found));
  added.parent = key_of_running(parent, depth + 1);
  added.creator = added.parent;
  added.group_leader = key_of_running(group_leader, depth + 1);
  added.session_leader = key_of_running(session_leader, depth + 1);
  changed(added);
  return added;
}

void ProcessTable::add_found(const kestrel_found& found, uint64_t now) {
  make_room();
  const ProcessKey key{found.process.pid, found.process.start};
  Process* known = find(key);
  if (known == nullptr) {
    auto added = std::make_unique<Process>();
    added->facts.pid = key.pid;
    added->facts.start = key.start;
    known = &insert(std::move(added));
  }
  known->found = now;
  take_facts(*known, found.process, found.cgroup);
  ProcFacts facts;
  // In the time between it may have ended, and another may have its pid.
  if (read_proc(proc_, found.proc_pid, kArgsKept, facts) && facts.start_ticks == tick_of(key.start)) {
    if (has_image(facts)) known->image = keep(image_of(std::move(facts)));
    changed(*known);
  }
  if (found.ended != 0) end(*known);
}

void ProcessTable::add_all_of_proc() {
  if (!same_pids_) return;
  for (const uint32_t pid : pids_in_proc(proc_)) {
    make_room();
    key_of_running(pid, 0);
  }
}

Process& ProcessTable::observe(const kestrel_process& process, uint64_t cgroup) {
  make_room();
  Process& known = *find_or_look_up({process.pid, process.start}, comm_of(process.comm));
  take_facts(known, process, cgroup);
  return known;
}

Process& ProcessTable::fork(const kestrel_process& child, uint64_t cgroup) {
  make_room();
  const ProcessKey parent_key{child.parent_pid, child.parent_start};
  Process* const parent =
      parent_key.start == 0 ? nullptr : find_or_look_up(parent_key, comm_of(child.parent_comm));
  Process* known = find({child.pid, child.start});
  if (known == nullptr) {
    auto added = std::make_unique<Process>();
    added->facts.pid = child.pid;
    added->facts.start = child.start;
    known = &insert(std::move(added));
  }
  if (parent != nullptr && parent != known) {
    // Also of one that was found with what it ran later: the record of that comes after this one.
    if (parent->image != nullptr) known->image = parent->image;
    known->found = 0;
    known->creator = parent->key();
    known->group_leader = parent->group_leader;
    known->session_leader = parent->session_leader;
    find_entry_leader(*parent);
    known->entry_leader = parent->entry_leader;
    known->entry_type = parent->entry_type;
    changed(*known);
  }
  take_facts(*known, child, cgroup);
  return *known;
}

Process& ProcessTable::exec(const kestrel_process& process, Image image, uint64_t cgroup, uint64_t time) {
  make_room();
  Process* known = find({process.pid, process.start});
  if (known == nullptr) {
    auto added = std::make_unique<Process>();
    added->facts.pid = process.pid;
    added->facts.start = process.start;
    known = &insert(std::move(added));
  }
  // One that was found running after this was found with what it runs since.
  known->previous = known->found <= time ? known->image : nullptr;
  known->image = keep(std::move(image));
  take_facts(*known, process, cgroup);
  if (known->is_session_leader()) {
    const Process* const creator = find(known->creator);
    const EntryType how = how_entered(*known, creator, creator != nullptr && enters_container(*known, *creator));
    if (how != EntryType::kUnset) {
      known->entry_type = how;
      known->entry_leader = known->key();
    }
  }
  changed(*known);
  return *known;
}

void ProcessTable::end(Process& process) {
  if (process.ended) return;
  remove(running_, process);
  process.ended = true;
  append(ended_, process);
  process.previous = nullptr;
}

bool ProcessTable::enters_container(const Process& process, const Process& creator) {
  const std::string inside(containers_.of(process.cgroup));
  return !inside.empty() && creator.cgroup != 0 && containers_.of(creator.cgroup) != inside;
}

void ProcessTable::find_entry_leader(Process& process) {
  // Upwards, until a session was entered, or what forked the process is not known.
  Process* walked[kMostAncestors];
  int depth = 0;
  EntryType type = EntryType::kUnknown;
  ProcessKey leader;
  for (Process* at = &process; at != nullptr && depth < kMostAncestors; at = find(at->creator)) {
    if (at->entry_type != EntryType::kUnset) {
      type = at->entry_type;
      leader = at->entry_leader;
      break;
    }
    walked[depth++] = at;
    if (!at->is_session_leader() && at->facts.pid != 1) continue;
    const Process* const creator = find(at->creator);
    const EntryType how = how_entered(*at, creator, creator != nullptr && enters_container(*at, *creator));
    if (how == EntryType::kUnset) continue;
    type = how;
    leader = at->key();
    break;
  }
  // Downwards again. Where nothing was entered, it is the first session that is known.
  while (depth-- > 0) {
    Process& one = *walked[depth];
    if (leader.pid == 0 && one.is_session_leader()) leader = one.key();
    one.entry_type = type;
    one.entry_leader = leader.pid == 0 ? one.session_leader : leader;
  }
}

Relations ProcessTable::relations(Process& self) {
  Relations all;
  all.self = &self;
  if (self.parent.start != 0) all.parent = find_or_look_up(self.parent, comm_of(self.facts.parent_comm));
  if (all.parent != nullptr && all.parent->parent.start != 0) {
    all.grandparent = find_or_look_up(all.parent->parent, comm_of(all.parent->facts.parent_comm));
  }
  if (self.group_leader.start != 0) {
    all.group_leader = find_or_look_up(self.group_leader, comm_of(self.facts.group_leader_comm));
  }
  if (self.session_leader.start != 0) {
    all.session_leader = find_or_look_up(self.session_leader, comm_of(self.facts.session_leader_comm));
  }
  find_entry_leader(self);
  all.entry_leader = find(self.entry_leader);
  return all;
}

TableCounters ProcessTable::counters() const {
  const auto load = [](const std::atomic<uint64_t>& count) { return count.load(std::memory_order_relaxed); };
  return {load(known_), bytes(), load(evicted_), load(looked_up_), load(not_found_)};
}

}  // namespace kestrel
