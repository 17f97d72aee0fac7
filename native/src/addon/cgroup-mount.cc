#include "cgroup-mount.h"

#include <fstream>
#include <sstream>

namespace kestrel {
namespace {

bool is_octal(char digit) { return digit >= '0' && digit <= '7'; }

/// A path as it is: in mountinfo a space is "\040".
std::string unescaped(const std::string& text) {
  std::string path;
  for (size_t at = 0; at < text.size(); at++) {
    const bool escaped = text[at] == '\\' && at + 3 < text.size() && is_octal(text[at + 1]) && is_octal(text[at + 2]) &&
                         is_octal(text[at + 3]);
    if (!escaped) {
      path += text[at];
      continue;
    }
    path += static_cast<char>((text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0'));
    at += 3;
  }
  return path;
}

}  // namespace

std::string mount_of_cgroups() {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    // ID PARENT DEVICE ROOT PLACE OPTIONS… - KIND SOURCE OPTIONS
    if (line.find(" - cgroup2 ") == std::string::npos) continue;
    std::istringstream words(line);
    std::string place;
    for (int word = 0; word < 5; word++) words >> place;
    return unescaped(place);
  }
  return "";
}

}  // namespace kestrel
