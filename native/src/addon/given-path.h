// A path as a process gave it → the absolute path that it means.
#pragma once

#include <string>
#include <string_view>

namespace kestrel {

struct MeantPath {
  std::string path;
  /// Whether the kernel found the same: no symbolic link can have led elsewhere.
  bool is_certain;
};

/// `base` is the kernel's path of the directory that `given` is relative to, when it does not begin with '/'. Names are joined, "."
/// and ".." are followed in the text alone: that is certain for ".." at the beginning, which lead upwards from where no link is, and
/// for one name after them. `is_followed`: the last name too is followed if it is a link.
MeantPath meant_path(std::string_view base, std::string_view given, bool is_followed);

}  // namespace kestrel
