// Cgroups → ids of containers, which runtimes write into the names of the cgroups that they make.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace kestrel {

/// The 64 hexadecimal digits in a path such as "/system.slice/docker-….scope" or "/kubepods/pod…/…"; empty when there are none.
std::string_view container_in_path(std::string_view path);

/// Remembers what was found, since a cgroup keeps its id and its name for as long as it is there.
class ContainerIds {
 public:
  ContainerIds() = default;
  ~ContainerIds();
  ContainerIds(const ContainerIds&) = delete;
  ContainerIds& operator=(const ContainerIds&) = delete;

  /// The container of a cgroup of version 2 by the cgroup's id; empty when it is none's. It is good until the next call.
  std::string_view of(uint64_t cgroup);

 private:
  std::string path_of(uint64_t cgroup);

  std::unordered_map<uint64_t, std::string> known_;
  /// Any descriptor on the file system of cgroups: -1 before it was opened, -2 when it cannot be.
  int mount_ = -1;
};

}  // namespace kestrel
