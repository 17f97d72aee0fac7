// The machine → what it allows, for messages and for `doctor`. Nothing here decides: programs are chosen by loading them.
#pragma once

#include <string>

namespace kestrel {

struct MachineFacts {
  std::string kernel;
  /// Types of the running kernel, without which no CO-RE program can be loaded.
  bool btf = false;
  /// "none", "integrity" or "confidentiality"; empty where it cannot be read.
  std::string lockdown;
  /// Security modules in order, with commas; empty where it cannot be read.
  std::string security_modules;
  bool capability_bpf = false;
  bool capability_perfmon = false;
  bool capability_sys_admin = false;
};

MachineFacts read_machine_facts();

/// The capabilities that loading programs needs and this process lacks: "CAP_BPF and CAP_PERFMON"; empty when none.
std::string missing_capabilities(const MachineFacts& facts);

}  // namespace kestrel
