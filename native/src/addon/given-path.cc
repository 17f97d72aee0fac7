#include "given-path.h"

#include <algorithm>

namespace kestrel {

MeantPath meant_path(std::string_view base, std::string_view given, bool is_followed) {
  const bool is_absolute = !given.empty() && given.front() == '/';
  MeantPath meant{is_absolute ? "" : std::string(base), is_absolute || !base.empty()};
  std::string& path = meant.path;
  if (path == "/") path.clear();
  // Names that were gone down to, where each but the last may be a link.
  size_t names = 0;
  for (size_t at = 0; at < given.size();) {
    const size_t end = std::min(given.find('/', at), given.size());
    const std::string_view name = given.substr(at, end - at);
    at = end + 1;
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      if (names != 0) meant.is_certain = false;
      const size_t slash = path.rfind('/');
      path.resize(slash == std::string::npos ? 0 : slash);
      continue;
    }
    path += '/';
    path += name;
    names++;
  }
  // A slash at the end has a link followed too.
  const bool has_last_followed = is_followed || (!given.empty() && given.back() == '/');
  if (names > 1 || (names == 1 && has_last_followed)) meant.is_certain = false;
  if (path.empty()) path = "/";
  return meant;
}

}  // namespace kestrel
