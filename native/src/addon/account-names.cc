#include "account-names.h"

#include <charconv>
#include <fstream>

namespace kestrel {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(1);

bool is_same(const struct stat& one, const struct stat& other) {
  return one.st_ino == other.st_ino && one.st_size == other.st_size && one.st_mtim.tv_sec == other.st_mtim.tv_sec &&
         one.st_mtim.tv_nsec == other.st_mtim.tv_nsec;
}

}  // namespace

bool AccountNames::look(std::chrono::steady_clock::time_point now) {
  if (now < next_look_) return false;
  next_look_ = now + kLookEvery;
  return refresh();
}

std::string_view AccountNames::of(uint32_t id) const {
  const auto found = names_.find(id);
  return found == names_.end() ? std::string_view() : std::string_view(found->second);
}

bool AccountNames::refresh() {
  struct stat now {};
  if (stat(path_.c_str(), &now) != 0 || is_same(now, seen_)) return false;
  seen_ = now;
  names_.clear();
  std::ifstream file(path_);
  // name:password:id:… in both files; the first line of an id is the one that counts, as for the C library.
  for (std::string line; std::getline(file, line);) {
    const size_t name = line.find(':');
    const size_t password = name == std::string::npos ? name : line.find(':', name + 1);
    if (name == 0 || password == std::string::npos) continue;
    uint32_t id = 0;
    const char* const end = line.data() + line.size();
    const auto read = std::from_chars(line.data() + password + 1, end, id);
    if (read.ec != std::errc() || (read.ptr != end && *read.ptr != ':')) continue;
    names_.emplace(id, line.substr(0, name));
  }
  return true;
}

}  // namespace kestrel
