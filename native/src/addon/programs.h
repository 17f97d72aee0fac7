// The object of BPF programs → those of them that this kernel takes, attached, and a report of what became of each.
#pragma once

#include <bpf/libbpf.h>

#include <memory>
#include <string>
#include <vector>

#include "../record.h"
#include "event-classes.h"
#include "path-prefixes.h"

namespace kestrel {

/// One way to collect the events of a class, by one or more programs of collector.bpf.c, and what became of it.
struct ProgramReport {
  /// Of the program that is only there for it: "on_exec".
  std::string name;
  kestrel_class klass;
  /// What its programs hook: "tp_btf/sched_process_exec"; several with " + " between.
  std::string hook;
  /// A: trampolines and security modules. B: typed tracepoints. See native/README.md.
  char tier;
  enum State { kAttached, kNotNeeded, kNotWanted, kFailed } state;
  /// Why it failed: an error, and the last lines of the verifier's log where there is one.
  std::string reason;
};

/// A cgroup that is left out, open; it is not closed here.
struct ExcludedCgroup {
  std::string path;
  int descriptor;
};

struct ProgramOptions {
  /// Of the ring, in bytes: a power of two that is at least a page.
  uint32_t ring_bytes;
  /// A descriptor of the cgroup to confine collection to; -1 for all. It is not closed here.
  int cgroup;
  /// What is collected; processes always are, since every event is told of them.
  ClassSet classes;
  /// Whether the environment of programs is read.
  bool environment;
  /// Names of the programs that may be used; none means all.
  std::vector<std::string> names;
  /// What processes of these do is not collected, nor what those of cgroups below them do. At most KESTREL_EXCLUDED_MAX.
  std::vector<ExcludedCgroup> excluded;
  PathPrefixes paths;
};

struct ObjectCloser {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
struct LinkCloser {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};

struct Programs {
  std::unique_ptr<bpf_object, ObjectCloser> object;
  std::vector<std::unique_ptr<bpf_link, LinkCloser>> links;
  std::vector<ProgramReport> reports;
  /// Tells of the processes that are there: a kestrel_found each. Null where the kernel does not take it.
  std::unique_ptr<bpf_link, LinkCloser> processes;
  /// Why it does not.
  std::string processes_reason;
  /// Why nothing at all could be loaded; empty when something is attached.
  std::string failure;

  /// The descriptor of a map.
  int map(const char* name) const { return bpf_object__find_map_fd_by_name(object.get(), name); }
  /// Nothing is written into the ring after this.
  void detach() { links.clear(); }
  /// Gives back all that is held of the kernel.
  void close() {
    links.clear();
    processes = nullptr;
    object = nullptr;
  }
};

/// Loads and attaches the best program of each class. It never throws; what failed is in the result.
Programs attach_programs(const ProgramOptions& options);

}  // namespace kestrel
