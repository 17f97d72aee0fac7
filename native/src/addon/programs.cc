#include "programs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <string_view>

#include <bpf/bpf.h>

#include "cgroup-mount.h"
#include "machine-facts.h"

// object.S holds collector.bpf.o as it was compiled.
extern "C" const char kestrel_bpf_object[];
extern "C" const char kestrel_bpf_object_end[];

namespace kestrel {
namespace {

/// The ways to collect each class, those that are preferred first: of each class the first of which all programs attach is used.
/// Several may share a program.
struct Plan {
  kestrel_class klass;
  char tier;
  std::vector<const char*> programs;
};
const Plan kPlans[] = {
    {KESTREL_CLASS_EXEC, 'B', {"on_exec"}},
    {KESTREL_CLASS_FORK, 'B', {"on_fork"}},
    {KESTREL_CLASS_EXIT, 'B', {"on_exit"}},
    {KESTREL_CLASS_EXIT, 'B', {"on_exit_counted"}},
    {KESTREL_CLASS_CONNECT, 'B', {"on_tcp_connect", "on_connect4", "on_connect6", "on_release"}},
    {KESTREL_CLASS_CONNECT, 'B', {"on_syn_sent"}},
    {KESTREL_CLASS_ACCEPT, 'A', {"on_accepted"}},
    {KESTREL_CLASS_ACCEPT, 'B', {"on_accept_exit"}},
    {KESTREL_CLASS_DISCONNECT, 'A', {"on_accepted", "on_tcp_connect", "on_connect4", "on_connect6", "on_disconnect"}},
    {KESTREL_CLASS_DISCONNECT, 'B', {"on_accept_exit", "on_tcp_connect", "on_connect4", "on_connect6", "on_disconnect_by_exits"}},
    {KESTREL_CLASS_BIND, 'B', {"on_bind4", "on_bind6"}},
    {KESTREL_CLASS_LISTEN, 'B', {"on_listen"}},
    {KESTREL_CLASS_LISTEN, 'B', {"on_listen_state"}},
    {KESTREL_CLASS_DNS, 'B', {"on_answer", "on_query"}},
    {KESTREL_CLASS_CREDENTIAL, 'A', {"on_fix_uid", "on_fix_gid"}},
    {KESTREL_CLASS_CREDENTIAL, 'B', {"on_sys_enter", "on_sys_exit"}},
    {KESTREL_CLASS_SESSION, 'B', {"on_sys_exit"}},
    {KESTREL_CLASS_PTRACE, 'B', {"on_sys_exit"}},
    {KESTREL_CLASS_MEMFD, 'B', {"on_sys_exit"}},
    {KESTREL_CLASS_MMAP, 'B', {"on_sys_exit"}},
    {KESTREL_CLASS_SIGNAL, 'B', {"on_signal"}},
    {KESTREL_CLASS_MODULE, 'B', {"on_module"}},
    {KESTREL_CLASS_CREATE,
     'A',
     {"before_mkdir", "on_mkdir", "before_mknod", "on_mknod", "on_mknod_plain", "before_symlink", "on_symlink", "before_link",
      "on_link", "on_open_file"}},
    {KESTREL_CLASS_CREATE, 'B', {"on_sys_exit"}},
    {KESTREL_CLASS_MODIFY, 'A', {"on_open_file"}},
    {KESTREL_CLASS_MODIFY, 'B', {"on_sys_exit"}},
    {KESTREL_CLASS_OPEN, 'A', {"on_open_file"}},
    {KESTREL_CLASS_OPEN, 'B', {"on_sys_exit"}},
    {KESTREL_CLASS_RENAME, 'A', {"before_rename", "on_rename"}},
    {KESTREL_CLASS_RENAME, 'B', {"on_sys_exit"}},
    {KESTREL_CLASS_DELETE, 'A', {"before_unlink", "on_unlink", "before_rmdir", "on_rmdir"}},
    {KESTREL_CLASS_DELETE, 'B', {"on_sys_exit"}},
    {KESTREL_CLASS_MODE, 'A', {"on_chmod"}},
    {KESTREL_CLASS_MODE, 'B', {"on_sys_exit"}},
};

/// Whether the events of a plan are made from system calls.
bool is_by_calls(const Plan& plan) { return std::string_view(plan.programs.back()) == "on_sys_exit"; }

/// Classes that are collected whatever is asked for: the process table lives on them.
constexpr ClassSet kProcessClasses =
    ClassSet{1} << KESTREL_CLASS_EXEC | ClassSet{1} << KESTREL_CLASS_FORK | ClassSet{1} << KESTREL_CLASS_EXIT;

/// Rooms for each CPU, as ring.h has them.
constexpr uint32_t kRoomsOfCpu = 2;

/// Lines of the verifier's log that are shown: what it objects to stands at the end, before its counts.
constexpr size_t kLogLines = 8;

/// What libbpf says while an object is loaded. It has one listener for the whole process, so the text is kept by thread.
thread_local std::string* listening = nullptr;

int listen(libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG || listening == nullptr) return 0;
  va_list again;
  va_copy(again, arguments);
  const int length = vsnprintf(nullptr, 0, format, again);
  va_end(again);
  if (length <= 0) return 0;
  const size_t before = listening->size();
  listening->resize(before + static_cast<size_t>(length) + 1);
  vsnprintf(listening->data() + before, static_cast<size_t>(length) + 1, format, arguments);
  listening->pop_back();
  return length;
}

class Listening {
 public:
  explicit Listening(std::string& said) {
    libbpf_set_print(listen);
    listening = &said;
  }
  ~Listening() { listening = nullptr; }
};

/// The end of what was said about a program: of its verifier's log if there is one, else of libbpf's own words.
std::string last_lines(const std::string& said) {
  size_t begin = said.rfind("-- BEGIN PROG LOAD LOG --");
  size_t end = said.size();
  if (begin != std::string::npos) {
    begin = std::min(said.find('\n', begin), said.size());
    end = std::min(said.find("-- END PROG LOAD LOG --", begin), said.size());
  } else {
    begin = 0;
  }
  std::vector<std::string> lines;
  for (size_t at = begin; at < end;) {
    const size_t stop = std::min(said.find('\n', at), end);
    std::string line = said.substr(at, stop - at);
    if (!line.empty() && line.rfind("processed ", 0) != 0) lines.push_back(std::move(line));
    at = stop + 1;
  }
  std::string shown;
  for (size_t at = lines.size() - std::min(lines.size(), kLogLines); at < lines.size(); at++) {
    shown += shown.empty() ? lines[at] : "\n" + lines[at];
  }
  return shown;
}

std::string error_text(int error, const std::string& said) {
  std::string text = std::strerror(error < 0 ? -error : error);
  const std::string lines = last_lines(said);
  return lines.empty() ? text : text + "\n" + lines;
}

using Object = std::unique_ptr<bpf_object, ObjectCloser>;

/// The programs of all plans that are still wanted.
std::set<std::string> programs_of(const std::vector<bool>& wanted) {
  std::set<std::string> names;
  for (size_t at = 0; at < std::size(kPlans); at++) {
    if (wanted[at]) names.insert(kPlans[at].programs.begin(), kPlans[at].programs.end());
  }
  return names;
}

/// The object with its settings, not yet loaded; of its programs only those that are `wanted` will be.
Object open_object(const ProgramOptions& options, const std::set<std::string>& wanted, std::string& failure) {
  std::string said;
  const Listening scope(said);
  LIBBPF_OPTS(bpf_object_open_opts, open);
  open.object_name = "kestrel";
  const size_t size = static_cast<size_t>(kestrel_bpf_object_end - kestrel_bpf_object);
  Object object(bpf_object__open_mem(kestrel_bpf_object, size, &open));
  if (object == nullptr) {
    failure = error_text(errno, said);
    return nullptr;
  }
  kestrel_settings settings{};
  struct stat own_namespace {};
  if (stat("/proc/self/ns/pid", &own_namespace) == 0) {
    settings.own_namespace_device = own_namespace.st_dev;
    settings.own_namespace_inode = own_namespace.st_ino;
    settings.own_pid = static_cast<uint32_t>(getpid());
  }
  settings.confined = options.cgroup >= 0 ? 1 : 0;
  settings.classes = options.classes | kProcessClasses;
  settings.environment = options.environment ? 1 : 0;
  settings.filtered = filtered_classes(options.paths);
  for (const ExcludedCgroup& cgroup : options.excluded) {
    struct stat folder {};
    if (fstat(cgroup.descriptor, &folder) == 0) settings.excluded_ids[settings.excluded++] = folder.st_ino;
  }
  const int cpus = libbpf_num_possible_cpus();
  bpf_map* const map = bpf_object__find_map_by_name(object.get(), ".rodata.settings");
  bpf_map* const events = bpf_object__find_map_by_name(object.get(), "events");
  bpf_map* const rooms = bpf_object__find_map_by_name(object.get(), "rooms");
  bpf_map* const prefixes = bpf_object__find_map_by_name(object.get(), "prefixes");
  const auto prefix_count = static_cast<uint32_t>(prefix_entries(options.paths).size());
  if (cpus <= 0 || map == nullptr || events == nullptr || rooms == nullptr || prefixes == nullptr ||
      bpf_map__set_initial_value(map, &settings, sizeof(settings)) != 0 ||
      bpf_map__set_max_entries(events, options.ring_bytes) != 0 ||
      bpf_map__set_max_entries(prefixes, std::max(prefix_count, uint32_t{1})) != 0 ||
      bpf_map__set_max_entries(rooms, static_cast<uint32_t>(cpus) * kRoomsOfCpu) != 0) {
    failure = "the object is not the one that this addon was built with\n" + said;
    return nullptr;
  }
  size_t found = 0;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object.get()) {
    const bool is_wanted = wanted.count(bpf_program__name(program)) != 0;
    bpf_program__set_autoload(program, is_wanted);
    found += is_wanted ? 1 : 0;
  }
  if (found != wanted.size()) {
    failure = "the object lacks programs that this addon knows";
    return nullptr;
  }
  return object;
}

/// Loads the programs that are wanted, all or none. Returns libbpf's error.
int load(Object& object, const ProgramOptions& options, const std::set<std::string>& wanted, std::string& said) {
  object = open_object(options, wanted, said);
  if (object == nullptr) return -EINVAL;
  const Listening scope(said);
  return bpf_object__load(object.get());
}

/// Puts a cgroup into the map of those that the programs ask for. False with errno when it is none of version 2.
bool set_cgroup(const Programs& programs, uint32_t at, int descriptor) {
  const auto cgroup = static_cast<uint32_t>(descriptor);
  return bpf_map_update_elem(programs.map("cgroups"), &at, &cgroup, BPF_ANY) == 0;
}

/// Fills what the programs look into before anything is attached. Returns why that is not possible, or nothing.
std::string fill_filters(const Programs& programs, const ProgramOptions& options) {
  if (options.cgroup >= 0 && !set_cgroup(programs, KESTREL_CONFINING_CGROUP, options.cgroup)) {
    return std::string("the folder to confine collection to is no cgroup of version 2: ") + strerror(errno);
  }
  uint32_t at = KESTREL_CONFINING_CGROUP;
  for (const ExcludedCgroup& cgroup : options.excluded) {
    if (set_cgroup(programs, ++at, cgroup.descriptor)) continue;
    return "the folder to exclude, " + cgroup.path + ", is no cgroup of version 2: " + strerror(errno);
  }
  for (const auto& [prefix, classes] : prefix_entries(options.paths)) {
    kestrel_prefix key{};
    key.bits = static_cast<uint32_t>(prefix.size()) * 8;
    std::memcpy(key.bytes, prefix.data(), prefix.size());
    if (bpf_map_update_elem(programs.map("prefixes"), &key, &classes, BPF_ANY) == 0) continue;
    return std::string("the kernel does not take the paths to filter by: ") + strerror(errno);
  }
  return "";
}

/// Where programs of cgroups are attached: the cgroup that collection is confined to, or the first of all. Looked for once.
class AttachedCgroup {
 public:
  explicit AttachedCgroup(int confined) : descriptor_(confined), owned_(false) {}
  ~AttachedCgroup() {
    if (owned_ && descriptor_ >= 0) close(descriptor_);
  }
  AttachedCgroup(const AttachedCgroup&) = delete;
  AttachedCgroup& operator=(const AttachedCgroup&) = delete;

  int descriptor() {
    if (descriptor_ < 0) {
      descriptor_ = open(mount_of_cgroups().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      owned_ = true;
    }
    return descriptor_;
  }

 private:
  int descriptor_;
  bool owned_;
};

/// Attaches through a link, so that nothing stays when this process ends, and programs of others on the same cgroup stay.
bpf_link* attach_program(bpf_program* program, AttachedCgroup& cgroup, std::string& said) {
  switch (bpf_program__type(program)) {
    case BPF_PROG_TYPE_CGROUP_SKB:
    case BPF_PROG_TYPE_CGROUP_SOCK:
    case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
    case BPF_PROG_TYPE_SOCK_OPS:
      break;
    default:
      return bpf_program__attach(program);
  }
  const int descriptor = cgroup.descriptor();
  if (descriptor >= 0) return bpf_program__attach_cgroup(program, descriptor);
  said = "there is no cgroup of version 2 to attach to";
  return nullptr;
}

/// The program that libbpf complains of: it ends with the first that it cannot load. Empty when it was something else.
std::string refused_program(const std::string& said) {
  constexpr std::string_view kBefore = "prog '";
  const size_t before = said.rfind(kBefore);
  if (before == std::string::npos) return "";
  const size_t begin = before + kBefore.size();
  const size_t end = said.find('\'', begin);
  return end == std::string::npos ? "" : said.substr(begin, end - begin);
}

/// Gives up the plans that need a program. False when none does.
bool give_up(const std::string& name, const std::string& reason, std::vector<bool>& wanted,
             std::vector<ProgramReport>& reports) {
  bool any = false;
  for (size_t at = 0; at < std::size(kPlans); at++) {
    const auto& programs = kPlans[at].programs;
    if (!wanted[at] || std::find(programs.begin(), programs.end(), name) == programs.end()) continue;
    wanted[at] = false;
    reports[at].state = ProgramReport::kFailed;
    reports[at].reason = reason;
    any = true;
  }
  return any;
}

/// Where a kernel lets no program hook its functions, it says so of the first. To be told it of each of them takes seconds.
void refuse_trampolines(const ProgramOptions& options, std::vector<bool>& wanted, std::vector<ProgramReport>& reports) {
  size_t first = 0;
  while (first < std::size(kPlans) && !(wanted[first] && kPlans[first].tier == 'A')) first++;
  if (first == std::size(kPlans)) return;
  Object trial;
  std::string said;
  const int error = load(trial, options, {kPlans[first].programs.front()}, said);
  if (error != -EPERM && error != -EACCES) return;
  for (size_t at = first; at < std::size(kPlans); at++) {
    if (!wanted[at] || kPlans[at].tier != 'A') continue;
    wanted[at] = false;
    reports[at].state = ProgramReport::kFailed;
    reports[at].reason = error_text(error, said);
  }
}

/// What cannot be loaded for want of a permission or of the kernel's types is said in words, before the numbers.
std::string whole_failure(int error, const std::string& said) {
  const MachineFacts facts = read_machine_facts();
  const std::string missing = missing_capabilities(facts);
  std::string text;
  if (!facts.btf) text = "this kernel does not show its types: there is no /sys/kernel/btf/vmlinux\n";
  if (!missing.empty()) text += "this process lacks " + missing + "\n";
  if (error == -ENOSYS) text += "this kernel has no bpf\n";
  return text + error_text(error, said);
}

/// Programs that were attached, each once, whichever plans share it.
class Attachments {
 public:
  Attachments(bpf_object* object, int cgroup) : object_(object), cgroup_(cgroup) {}

  /// Attaches the programs of a plan, and says why one of them cannot be; the others then serve nothing for this plan.
  std::string attach(const std::vector<const char*>& programs) {
    for (const char* const name : programs) {
      const auto [entry, is_new] = tried_.try_emplace(name);
      if (is_new) attach(name, entry->second);
      if (entry->second.link == nullptr) return entry->second.reason;
    }
    for (const char* const name : programs) tried_[name].is_used = true;
    return "";
  }

  /// The links of plans that are whole. All others are cut: what no plan uses would tax the machine for nothing.
  std::vector<std::unique_ptr<bpf_link, LinkCloser>> used() {
    std::vector<std::unique_ptr<bpf_link, LinkCloser>> links;
    for (auto& [name, one] : tried_) {
      if (one.is_used) links.push_back(std::move(one.link));
    }
    tried_.clear();
    return links;
  }

 private:
  struct Attachment {
    std::unique_ptr<bpf_link, LinkCloser> link;
    std::string reason;
    bool is_used = false;
  };

  void attach(const char* name, Attachment& one) {
    std::string said;
    const Listening scope(said);
    one.link.reset(attach_program(bpf_object__find_program_by_name(object_, name), cgroup_, said));
    if (one.link == nullptr) one.reason = error_text(errno, said);
  }

  bpf_object* object_;
  AttachedCgroup cgroup_;
  std::map<std::string, Attachment> tried_;
};

/// Makes ready what tells of the processes that are there. It is an object of its own, so that a kernel that refuses it has all the rest.
void find_processes(ProgramOptions options, Programs& result) {
  constexpr char kName[] = "find_processes";
  const auto& names = options.names;
  if (!names.empty() && std::find(names.begin(), names.end(), kName) == names.end()) return;
  // It writes into no ring.
  options.ring_bytes = static_cast<uint32_t>(sysconf(_SC_PAGESIZE));
  Object object;
  std::string said;
  int error = load(object, options, {kName}, said);
  if (error == 0) {
    const Listening scope(said);
    // The link holds the program for as long as it is there.
    result.processes.reset(bpf_program__attach_iter(bpf_object__find_program_by_name(object.get(), kName), nullptr));
    error = result.processes == nullptr ? errno : 0;
  }
  if (error != 0) result.processes_reason = error_text(error, said);
}

}  // namespace

Programs attach_programs(const ProgramOptions& options) {
  Programs result;
  std::vector<bool> wanted;
  for (const Plan& plan : kPlans) {
    const auto& names = options.names;
    const char* const name = plan.programs.back();
    const bool want = has_class(options.classes | kProcessClasses, plan.klass) &&
                      (names.empty() || std::find(names.begin(), names.end(), name) != names.end());
    const auto state = want ? ProgramReport::kNotNeeded : ProgramReport::kNotWanted;
    result.reports.push_back({name, plan.klass, "", plan.tier, state, ""});
    wanted.push_back(want);
  }
  refuse_trampolines(options, wanted, result.reports);
  std::string said;
  int error = load(result.object, options, programs_of(wanted), said);
  for (std::string name = refused_program(said); error != 0 && !name.empty(); name = refused_program(said)) {
    if (!give_up(name, error_text(error, said), wanted, result.reports)) break;
    said.clear();
    error = load(result.object, options, programs_of(wanted), said);
  }
  if (error != 0) {
    result.failure = whole_failure(error, said);
    result.object = nullptr;
    for (ProgramReport& report : result.reports) {
      if (report.state == ProgramReport::kNotNeeded) report.state = ProgramReport::kFailed;
    }
    return result;
  }

  result.failure = fill_filters(result, options);
  if (!result.failure.empty()) {
    result.object = nullptr;
    return result;
  }

  bool attached[KESTREL_CLASSES] = {};
  ClassSet by_calls = 0;
  Attachments attachments(result.object.get(), options.cgroup);
  for (size_t at = 0; at < std::size(kPlans); at++) {
    ProgramReport& report = result.reports[at];
    for (const char* const name : kPlans[at].programs) {
      bpf_program* const program = bpf_object__find_program_by_name(result.object.get(), name);
      report.hook += (report.hook.empty() ? "" : " + ") + std::string(bpf_program__section_name(program));
    }
    if (!wanted[at] || attached[report.klass]) continue;
    report.reason = attachments.attach(kPlans[at].programs);
    report.state = report.reason.empty() ? ProgramReport::kAttached : ProgramReport::kFailed;
    attached[report.klass] = report.reason.empty();
    if (attached[report.klass] && is_by_calls(kPlans[at])) by_calls |= ClassSet{1} << report.klass;
  }
  const int calls = result.map(".data.calls");
  const uint32_t only = 0;
  if (calls >= 0) bpf_map_update_elem(calls, &only, &by_calls, BPF_ANY);
  result.links = attachments.used();
  if (result.links.empty()) {
    const auto failed = std::find_if(result.reports.begin(), result.reports.end(),
                                     [](const ProgramReport& one) { return one.state == ProgramReport::kFailed; });
    const std::string missing = missing_capabilities(read_machine_facts());
    if (!missing.empty()) result.failure = "this process lacks " + missing + "\n";
    result.failure += failed == result.reports.end() ? "no program is wanted"
                                                     : "no program can be attached; " + failed->name + ": " + failed->reason;
  }
  if (result.failure.empty()) find_processes(options, result);
  return result;
}

}  // namespace kestrel
