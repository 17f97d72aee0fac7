#include "proc-files.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "../record.h"

namespace kestrel {
namespace {

/// Arguments that are counted; no system allows more for one argument, and few use as much for all.
constexpr size_t kCountedBytes = 1 << 17;

/// Reads a file from its beginning, at most `most` bytes of it. Files of /proc have no size.
bool read_file(const std::string& path, size_t most, std::string& bytes) {
  bytes.clear();
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char part[4096];
  while (bytes.size() < most) {
    const ssize_t got = read(file, part, std::min(sizeof(part), most - bytes.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    bytes.append(part, static_cast<size_t>(got));
  }
  close(file);
  return true;
}

std::string read_link(const std::string& path) {
  char target[KESTREL_PATH_MAX + 16];
  const ssize_t length = readlink(path.c_str(), target, sizeof(target));
  return length <= 0 ? "" : std::string(target, static_cast<size_t>(length));
}

uint64_t number_of(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// The words of /proc/PID/stat after the name, which is in brackets and may hold anything; the state is the first.
bool read_stat(const std::string& folder, std::string& comm, std::string_view (&words)[20], std::string& text) {
  if (!read_file(folder + "/stat", 4096, text)) return false;
  const size_t opening = text.find('(');
  const size_t closing = text.rfind(')');
  if (opening == std::string::npos || closing == std::string::npos || closing < opening) return false;
  comm = text.substr(opening + 1, closing - opening - 1);
  size_t at = closing + 2;
  for (std::string_view& word : words) {
    if (at >= text.size()) return false;
    const size_t end = std::min(text.find(' ', at), text.size());
    word = std::string_view(text).substr(at, end - at);
    at = end + 1;
  }
  return true;
}

/// Three numbers of a line of /proc/PID/status such as "Uid:\t0\t0\t0\t0".
bool ids_of(const std::string& status, const char* name, uint32_t (&ids)[3]) {
  const size_t line = status.find(name);
  if (line == std::string::npos) return false;
  const char* at = status.data() + line + std::strlen(name);
  const char* const end = status.data() + status.size();
  for (uint32_t& id : ids) {
    while (at < end && *at == '\t') at++;
    const auto read = std::from_chars(at, end, id);
    if (read.ec != std::errc()) return false;
    at = read.ptr;
  }
  return true;
}

}  // namespace

bool read_proc(const std::string& proc, uint32_t pid, size_t args_most, ProcFacts& facts) {
  const std::string folder = proc + "/" + std::to_string(pid);
  std::string text;
  std::string_view words[20];
  facts = {};
  if (!read_stat(folder, facts.comm, words, text)) return false;
  facts.pid = pid;
  facts.zombie = words[0] == "Z" || words[0] == "X";
  facts.parent = static_cast<uint32_t>(number_of(words[1]));
  facts.group_leader = static_cast<uint32_t>(number_of(words[2]));
  facts.session_leader = static_cast<uint32_t>(number_of(words[3]));
  // The minor number is in the lowest byte and in those above the major's.
  const auto tty = static_cast<uint32_t>(number_of(words[4]));
  facts.tty_major = static_cast<uint16_t>((tty >> 8) & 0xfff);
  facts.tty_minor = static_cast<uint16_t>((tty & 0xff) | ((tty >> 12) & 0xff00));
  facts.start_ticks = number_of(words[19]);
  if (read_file(folder + "/status", 8192, text)) {
    facts.has_ids = ids_of(text, "\nUid:", facts.uids) && ids_of(text, "\nGid:", facts.gids);
  }
  facts.executable = read_link(folder + "/exe");
  facts.directory = read_link(folder + "/cwd");
  if (read_file(folder + "/cmdline", kCountedBytes, facts.args)) {
    facts.args_count = static_cast<uint32_t>(std::count(facts.args.begin(), facts.args.end(), '\0'));
    // A process that wrote over its arguments may have left out the end of the last one.
    if (!facts.args.empty() && facts.args.back() != '\0') {
      facts.args_count++;
    } else if (!facts.args.empty()) {
      facts.args.pop_back();
    }
    facts.args_cut = facts.args.size() > args_most;
    if (facts.args_cut) facts.args.resize(args_most);
  }
  // Another process may have the pid by now, and then the texts are its own.
  return start_in_proc(proc, pid) == facts.start_ticks;
}

uint64_t start_in_proc(const std::string& proc, uint32_t pid) {
  std::string text, comm;
  std::string_view words[20];
  return read_stat(proc + "/" + std::to_string(pid), comm, words, text) ? number_of(words[19]) : 0;
}

std::vector<uint32_t> pids_in_proc(const std::string& proc) {
  std::vector<uint32_t> pids;
  DIR* const folder = opendir(proc.c_str());
  if (folder == nullptr) return pids;
  while (const dirent* const entry = readdir(folder)) {
    const std::string_view name = entry->d_name;
    uint32_t pid = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (read.ec == std::errc() && read.ptr == name.data() + name.size()) pids.push_back(pid);
  }
  closedir(folder);
  return pids;
}

}  // namespace kestrel
