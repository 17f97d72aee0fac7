#include "event-classes.h"

#include <algorithm>
#include <iterator>

namespace kestrel {
namespace {

constexpr std::string_view kNames[KESTREL_CLASSES] = {
    "exec",   "fork",   "exit",   "credential", "session", "ptrace",  "memfd",  "mmap",       "signal", "module", "create",
    "modify", "open",   "rename", "delete",     "mode",    "connect", "accept", "disconnect", "bind",   "listen", "dns",
};

}  // namespace

std::string_view class_name(uint32_t klass) { return klass < KESTREL_CLASSES ? kNames[klass] : "unknown"; }

uint32_t class_of(std::string_view name) {
  return static_cast<uint32_t>(std::find(std::begin(kNames), std::end(kNames), name) - std::begin(kNames));
}

}  // namespace kestrel
