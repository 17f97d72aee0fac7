// /proc/self/mountinfo → where cgroups of version 2 are mounted.
#pragma once

#include <string>

namespace kestrel {

/// The first such mount, as far as this process sees them; empty where there is none.
std::string mount_of_cgroups();

}  // namespace kestrel
