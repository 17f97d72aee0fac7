#include "machine-facts.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>

namespace kestrel {
namespace {

constexpr int kCapSysAdmin = 21;
constexpr int kCapPerfmon = 38;
constexpr int kCapBpf = 39;

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// The word in brackets: "none [integrity] confidentiality".
std::string chosen(const std::string& line) {
  const size_t open = line.find('[');
  const size_t close = line.find(']');
  return open == std::string::npos || close == std::string::npos ? "" : line.substr(open + 1, close - open - 1);
}

uint64_t effective_capabilities() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("CapEff:", 0) == 0) return std::strtoull(line.c_str() + 7, nullptr, 16);
  }
  return 0;
}

}  // namespace

MachineFacts read_machine_facts() {
  MachineFacts facts;
  utsname name{};
  if (uname(&name) == 0) facts.kernel = name.release;
  facts.btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
  facts.lockdown = chosen(first_line("/sys/kernel/security/lockdown"));
  facts.security_modules = first_line("/sys/kernel/security/lsm");
  const uint64_t capabilities = effective_capabilities();
  const auto has = [&](int capability) { return ((capabilities >> capability) & 1) != 0; };
  facts.capability_bpf = has(kCapBpf);
  facts.capability_perfmon = has(kCapPerfmon);
  facts.capability_sys_admin = has(kCapSysAdmin);
  return facts;
}

std::string missing_capabilities(const MachineFacts& facts) {
  // CAP_SYS_ADMIN was all of it before there were finer ones, and still stands for both.
  if (facts.capability_sys_admin) return "";
  std::string missing;
  if (!facts.capability_bpf) missing = "CAP_BPF";
  if (!facts.capability_perfmon) missing += missing.empty() ? "CAP_PERFMON" : " and CAP_PERFMON";
  return missing;
}

}  // namespace kestrel
