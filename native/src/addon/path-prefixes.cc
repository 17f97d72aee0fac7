#include "path-prefixes.h"

namespace kestrel {
namespace {

/// A prefix as the programs compare it.
std::string compared(const std::string& prefix) {
  std::string result;
  for (const char byte : prefix) {
    if (result.size() == KESTREL_PREFIX_MAX || static_cast<unsigned char>(byte) >= 0x80) break;
    result += byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
  }
  return result;
}

}  // namespace

bool has_paths(uint32_t klass) { return klass >= KESTREL_CLASS_CREATE && klass <= KESTREL_CLASS_MODE; }

ClassSet filtered_classes(const PathPrefixes& prefixes) {
  ClassSet classes = 0;
  for (const auto& [klass, all] : prefixes) classes |= ClassSet{1} << klass;
  return classes;
}

std::map<std::string, ClassSet> prefix_entries(const PathPrefixes& prefixes) {
  std::map<std::string, ClassSet> entries;
  for (const auto& [klass, all] : prefixes) {
    for (const std::string& prefix : all) entries[compared(prefix)] |= ClassSet{1} << klass;
  }
  // In this order a prefix stands before what begins with it, so it has all that it takes from its own prefixes.
  for (auto& [prefix, classes] : entries) {
    for (size_t length = 0; length < prefix.size(); length++) {
      const auto shorter = entries.find(prefix.substr(0, length));
      if (shorter != entries.end()) classes |= shorter->second;
    }
  }
  return entries;
}

}  // namespace kestrel
