// A process and what forked it → whether a session was entered there: over the network, at a terminal, by a container's runtime, by init.
#pragma once

#include <string_view>

#include "process-table.h"

namespace kestrel {

/// How `process`, which leads a session, was entered; kUnset when it was not, but belongs to what forked it.
EntryType how_entered(const Process& process, const Process* creator, bool enters_container);

/// entry_meta.type of ECS.
std::string_view entry_name(EntryType type);

}  // namespace kestrel
