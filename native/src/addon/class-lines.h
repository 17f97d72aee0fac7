// Records → lines, for each group of classes: each writes the line of a record, or nothing and false when the record is not as record.h
// describes it. `size` is the header's, and at least that of a header.
#pragma once

#include "line.h"

namespace kestrel {

/// exec, fork, exit: process-lines.cc.
bool write_process_line(Line& line, const kestrel_header& header, const char* record, size_t size);

/// connect, accept, disconnect, bind, listen, dns: network-lines.cc.
bool write_network_line(Line& line, const kestrel_header& header, const char* record, size_t size);
/// create, modify, open, rename, delete, mode: file-lines.cc.
bool write_file_line(Line& line, const kestrel_header& header, const char* record, size_t size);

/// credential, session, ptrace, memfd, mmap, signal, module: action-lines.cc.
bool write_action_line(Line& line, const kestrel_header& header, const char* record, size_t size);

}  // namespace kestrel
