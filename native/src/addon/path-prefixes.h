// What paths of each class must begin with → the entries of the map that the programs look paths up in.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "event-classes.h"

namespace kestrel {

/// By class, prefixes of which a path must begin with one; none at all lets no path pass.
using PathPrefixes = std::map<uint32_t, std::vector<std::string>>;

/// Whether events of a class have a path that can be asked for.
bool has_paths(uint32_t klass);

/// The classes whose paths are looked at.
ClassSet filtered_classes(const PathPrefixes& prefixes);

/// Prefixes, each with the classes that take it or a prefix of it. Letters are in lower case; what is behind KESTREL_PREFIX_MAX bytes, or
/// behind a byte beyond ASCII, is left out, so that more pass.
std::map<std::string, ClassSet> prefix_entries(const PathPrefixes& prefixes);

}  // namespace kestrel
