// Ids of users and groups → their names, as /etc/passwd and /etc/group have them.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace kestrel {

/// One of the two files. It is read again when it has changed, which is looked for once a second at most: a name service that
/// asks over the network would hold up the ring, and is not asked.
class AccountNames {
 public:
  explicit AccountNames(std::string path) : path_(std::move(path)) {}

  /// Reads the file again if it has changed. True when it has.
  bool look(std::chrono::steady_clock::time_point now);

  /// The name of an id as the file had it at the last look; empty when it does not have it. It is good until the next look.
  std::string_view of(uint32_t id) const;

 private:
  bool refresh();

  std::string path_;
  std::unordered_map<uint32_t, std::string> names_;
  std::chrono::steady_clock::time_point next_look_{};
  /// What the file was when it was read.
  struct stat seen_ {};
};

}  // namespace kestrel
