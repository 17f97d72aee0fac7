// The classes of events and their names, which are those of runtime/src/ebpf/event-kinds.ts.
#pragma once

#include <cstdint>
#include <string_view>

#include "../record.h"

namespace kestrel {

/// The name of a class: "exec".
std::string_view class_name(uint32_t klass);

/// The class of a name; KESTREL_CLASSES when there is none of that name.
uint32_t class_of(std::string_view name);

/// Classes as a set of bits.
using ClassSet = uint64_t;
constexpr ClassSet kAllClasses = (ClassSet{1} << KESTREL_CLASSES) - 1;
constexpr bool has_class(ClassSet set, uint32_t klass) { return klass < KESTREL_CLASSES && ((set >> klass) & 1) != 0; }

}  // namespace kestrel
