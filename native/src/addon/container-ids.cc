#include "container-ids.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "cgroup-mount.h"

namespace kestrel {
namespace {

constexpr size_t kDigits = 64;

/// Cgroups that are remembered; then all are asked for again, which costs three system calls each.
constexpr size_t kMostKnown = 4096;

/// What a file handle of the file system of cgroups is called, and what is in it: the id alone.
constexpr int kKernfsHandle = 0xfe;

bool is_hex(char byte) { return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f'); }

/// The id in one name: "ID", "docker-ID.scope", "cri-containerd-ID.scope".
std::string_view container_in_name(std::string_view name) {
  constexpr std::string_view kScope = ".scope";
  if (name.size() > kScope.size() && name.substr(name.size() - kScope.size()) == kScope) name.remove_suffix(kScope.size());
  // What watches over a container of podman's or CRI-O's stands outside of it, in a cgroup with the container's id.
  if (name.find("conmon") != std::string_view::npos || name.size() < kDigits) return {};
  const std::string_view prefix = name.substr(0, name.size() - kDigits);
  const std::string_view digits = name.substr(prefix.size());
  if (!prefix.empty() && prefix.back() != '-' && prefix.back() != ':') return {};
  return std::all_of(digits.begin(), digits.end(), is_hex) ? digits : std::string_view();
}

}  // namespace

std::string_view container_in_path(std::string_view path) {
  // The innermost one: a container may run containers.
  while (!path.empty()) {
    const size_t slash = path.rfind('/');
    const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
    const std::string_view found = container_in_name(name);
    if (!found.empty() || slash == std::string_view::npos) return found;
    path = path.substr(0, slash);
  }
  return {};
}

ContainerIds::~ContainerIds() {
  if (mount_ >= 0) close(mount_);
}

std::string ContainerIds::path_of(uint64_t cgroup) {
  if (mount_ == -1) {
    mount_ = open(mount_of_cgroups().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mount_ < 0) mount_ = -2;
  }
  if (mount_ < 0) return "";
  alignas(file_handle) char room[sizeof(file_handle) + sizeof(cgroup)];
  auto* const handle = reinterpret_cast<file_handle*>(room);
  handle->handle_bytes = sizeof(cgroup);
  handle->handle_type = kKernfsHandle;
  std::memcpy(handle->f_handle, &cgroup, sizeof(cgroup));
  const int folder = open_by_handle_at(mount_, handle, O_RDONLY | O_CLOEXEC);
  if (folder < 0) return "";
  char path[4096];
  const ssize_t length = readlink(("/proc/self/fd/" + std::to_string(folder)).c_str(), path, sizeof(path));
  close(folder);
  return length <= 0 ? "" : std::string(path, static_cast<size_t>(length));
}

std::string_view ContainerIds::of(uint64_t cgroup) {
  // 1 is the root, where everything is that is in no cgroup.
  if (cgroup <= 1) return {};
  const auto found = known_.find(cgroup);
  if (found != known_.end()) return found->second;
  if (known_.size() >= kMostKnown) known_.clear();
  return known_.emplace(cgroup, container_in_path(path_of(cgroup))).first->second;
}

}  // namespace kestrel
