#include <algorithm>
#include <cstring>

#include "capability-names.h"
#include "class-lines.h"

namespace kestrel {
namespace {

/// What later events are told of an exec.
Image image_of(const kestrel_exec& exec, const kestrel_header& header, std::string_view executable, std::string_view directory,
               std::string_view args) {
  Image image;
  image.executable = executable;
  // As /proc shows it, and as rules about memfd ask for it.
  if ((header.flags & KESTREL_FLAG_UNLINKED) != 0) image.executable += " (deleted)";
  image.path_length = executable.size();
  image.directory = directory;
  image.args = args.substr(0, kArgsKept);
  image.args_count = exec.argc;
  image.flags = header.flags & kLastingFlags;
  if (args.size() > kArgsKept) image.flags |= KESTREL_FLAG_ARGS_CUT;
  return image;
}

void write_hashes(Line& line, const kestrel_exec& exec, std::string_view executable) {
  ExecutableHashes& hashes = line.shared.hashes;
  if (!hashes.is_wanted()) return;
  const Hashes* const found = hashes.of(exec.process.pid, executable, exec.inode);
  if (found == nullptr) {
    line.shortened |= kHashSkipped;
    return;
  }
  std::string_view between = ",\"hash\":{\"";
  const auto put = [&](std::string_view name, const std::string& digits) {
    if (digits.empty()) return;
    line.raw(between);
    line.raw(name);
    line.raw(digits);
    between = "\",\"";
  };
  put("md5\":\"", found->md5);
  put("sha1\":\"", found->sha1);
  put("sha256\":\"", found->sha256);
  line.raw("\"}");
}

void write_capabilities(Line& line, std::string_view name, uint64_t bits) {
  line.raw(name);
  line.raw("[");
  std::string_view between = "\"";
  for (uint32_t number = 0; number < 64; number++) {
    if (((bits >> number) & 1) == 0) continue;
    line.raw(between);
    const std::string_view known = capability_name(number);
    if (known.empty()) line.number("CAP_", number);
    line.raw(known);
    between = "\",\"";
  }
  line.raw(bits == 0 ? "]" : "\"]");
}

/// One member of the list for each variable, which a NUL ends.
void write_environment(Line& line, std::string_view environment) {
  if (environment.empty()) return;
  std::string_view between = ",\"env_vars\":[";
  for (size_t at = 0; at < environment.size();) {
    const size_t end = std::min(environment.find('\0', at), environment.size());
    line.raw(between);
    line.quoted(environment.substr(at, end - at));
    between = ",";
    at = end + 1;
  }
  line.raw("]");
}

bool write_exec(Line& line, const kestrel_header& header, const char* record, size_t size) {
  kestrel_exec exec;
  std::string_view executable, directory, filename, args, environment;
  if (size < sizeof(exec)) return false;
  std::memcpy(&exec, record, sizeof(exec));
  if (!text_of(record, size, exec.executable, executable) || !text_of(record, size, exec.directory, directory) ||
      !text_of(record, size, exec.filename, filename) || !text_of(record, size, exec.args, args) ||
      !text_of(record, size, exec.environment, environment)) {
    return false;
  }
  if (!args.empty() && args.back() == '\0' && (header.flags & KESTREL_FLAG_ARGS_CUT) == 0) args.remove_suffix(1);
  const Image image = image_of(exec, header, executable, directory, args);
  Process& process = line.shared.processes->exec(exec.process, image, header.cgroup, header.boottime);
  if (!line.wanted) return true;
  line.begin(header, "\"category\":[\"process\"],\"type\":[\"start\"],\"action\":\"exec\"");
  line.actor_of_exec(process, args, [&] {
    if (process.previous != nullptr && !process.previous->executable.empty()) {
      line.text(",\"previous\":{\"executable\":", process.previous->executable);
      line.raw("}");
    }
    write_hashes(line, exec, executable);
    if (line.shared.writes_capabilities) {
      write_capabilities(line, ",\"thread\":{\"capabilities\":{\"effective\":", exec.cap_effective);
      write_capabilities(line, ",\"permitted\":", exec.cap_permitted);
      line.raw("}}");
    }
    write_environment(line, environment);
  });
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
  line.shared.processes->fork(fork.process, header.cgroup);
  if (!line.wanted) return true;
  line.begin(header, "\"category\":[\"process\"],\"type\":[\"start\"],\"action\":\"fork\"");
  line.actor(fork.process);
  line.end(header, [] {});
  return true;
}

void write_end(Line& line, const kestrel_header& header, const kestrel_exit& exit) {
  const uint32_t signal = exit.status & 0x7f;
  line.begin(header, "\"category\":[\"process\"],\"type\":[\"end\"],\"action\":\"end\"");
  // As shells say it: 128 and the signal.
  const uint32_t code = signal == 0 ? (exit.status >> 8) & 0xff : 128 + signal;
  line.actor(exit.process, [&] { line.number(",\"exit_code\":", code); });
  line.end(header, [&] {
    if (signal != 0) line.number(",\"signal\":", signal);
  });
}

bool write_exit(Line& line, const kestrel_header& header, const char* record, size_t size) {
  kestrel_exit exit;
  if (size < sizeof(exit)) return false;
  std::memcpy(&exit, record, sizeof(exit));
  ProcessTable& processes = *line.shared.processes;
  if (line.wanted) write_end(line, header, exit);
  processes.end(processes.observe(exit.process, header.cgroup));
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
