#include <cstring>

#include "class-lines.h"

namespace kestrel {
namespace {

bool write_exec(Line& line, const kestrel_header& header, const char* record, size_t size) {
  kestrel_exec exec;
  std::string_view executable, directory, filename, args;
  if (size < sizeof(exec)) return false;
  std::memcpy(&exec, record, sizeof(exec));
  if (!text_of(record, size, exec.executable, executable) || !text_of(record, size, exec.directory, directory) ||
      !text_of(record, size, exec.filename, filename) || !text_of(record, size, exec.args, args)) {
    return false;
  }
  line.begin(header, "\"category\":[\"process\"],\"type\":[\"start\"],\"action\":\"exec\"");
  line.identity(exec.process, base_name(executable));
  line.raw(",\"executable\":\"");
  line.utf8 = write_json_text(line.output, executable) && line.utf8;
  // As /proc shows it, and as rules about memfd ask for it.
  line.raw((header.flags & KESTREL_FLAG_UNLINKED) != 0 ? " (deleted)\"" : "\"");
  line.args(args, exec.argc, (header.flags & KESTREL_FLAG_ARGS_UNREAD) != 0);
  line.text(",\"working_directory\":", directory);
  line.relations(exec.process);
  line.end(header, [&] {
    line.text(",\"filename\":", filename);
    if ((header.flags & KESTREL_FLAG_ARGS_CUT) != 0) line.number(",\"args_size\":", exec.args_size);
  });
  return true;
}

bool write_fork(Line& line, const kestrel_header& header, const char* record, size_t size) {
  kestrel_fork fork;
  if (size < sizeof(fork)) return false;
  std::memcpy(&fork, record, sizeof(fork));
  line.begin(header, "\"category\":[\"process\"],\"type\":[\"start\"],\"action\":\"fork\"");
  line.actor(fork.process);
  line.end(header, [] {});
  return true;
}

bool write_exit(Line& line, const kestrel_header& header, const char* record, size_t size) {
  kestrel_exit exit;
  if (size < sizeof(exit)) return false;
  std::memcpy(&exit, record, sizeof(exit));
  const uint32_t signal = exit.status & 0x7f;
  line.begin(header, "\"category\":[\"process\"],\"type\":[\"end\"],\"action\":\"end\"");
  line.identity(exit.process, comm_of(exit.process.comm));
  // As shells say it: 128 and the signal.
  line.number(",\"exit_code\":", signal == 0 ? (exit.status >> 8) & 0xff : 128 + signal);
  line.relations(exit.process);
  line.end(header, [&] {
    if (signal != 0) line.number(",\"signal\":", signal);
  });
  return true;
}

}  // namespace

bool write_process_line(Line& line, const kestrel_header& header, const char* record, size_t size) {
  switch (header.klass) {
    case KESTREL_CLASS_EXEC:
      return write_exec(line, header, record, size);
    case KESTREL_CLASS_FORK:
      return write_fork(line, header, record, size);
    case KESTREL_CLASS_EXIT:
      return write_exit(line, header, record, size);
    default:
      return false;
  }
}

}  // namespace kestrel
