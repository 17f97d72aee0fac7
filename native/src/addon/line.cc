#include "line.h"

#include <algorithm>
#include <cstring>

namespace kestrel {
namespace {

struct FlagName {
  uint32_t flag;
  std::string_view name;
};
constexpr FlagName kFlagNames[] = {
    {KESTREL_FLAG_ARGS_CUT, "args_cut"},
    {KESTREL_FLAG_ARGS_UNREAD, "args_unread"},
    {KESTREL_FLAG_EXECUTABLE_CUT, "executable_cut"},
    {KESTREL_FLAG_DIRECTORY_CUT, "working_directory_cut"},
    {KESTREL_FLAG_PATH_TORN, "path_torn"},
    {KESTREL_FLAG_UNLINKED, "unlinked"},
    {KESTREL_FLAG_SCRIPT, "script"},
    {KESTREL_FLAG_FILENAME_CUT, "filename_cut"},
    {KESTREL_FLAG_PACKET_CUT, "packet_cut"},
    {KESTREL_FLAG_PACKET_MALFORMED, "packet_malformed"},
    {KESTREL_FLAG_PATH_CUT, "path_cut"},
    {KESTREL_FLAG_PATH_UNRESOLVED, "path_unresolved"},
    {KESTREL_FLAG_PATH_UNREAD, "path_unread"},
    {KESTREL_FLAG_MAPPING_UNKNOWN, "mapping_unknown"},
};

}  // namespace

/// A text of a record, or false when it does not lie within.
bool text_of(const char* record, size_t size, kestrel_text text, std::string_view& out) {
  if (static_cast<size_t>(text.offset) + text.length > size) return false;
  out = {record + text.offset, text.length};
  return true;
}

std::string_view comm_of(const char (&comm)[KESTREL_COMM_MAX]) { return {comm, strnlen(comm, sizeof(comm))}; }

std::string_view base_name(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos || slash + 1 == path.size() ? path : path.substr(slash + 1);
}

std::string json_string(std::string_view bytes) {
  std::string text(bytes.size() * kMostBytesOfByte + 2, '\0');
  Output output{text.data()};
  output.byte('"');
  write_json_text(output, bytes);
  output.byte('"');
  text.resize(static_cast<size_t>(output.at - text.data()));
  return text;
}

void Line::time(uint64_t boottime) {
  // Without a sign the sum of any two numbers is defined; a record that is not the kernel's may hold any.
  const auto nanoseconds = static_cast<int64_t>(boottime + static_cast<uint64_t>(shared.clock_offset));
  output.at = shared.utc.put(output.at, nanoseconds);
}

void Line::account(std::string_view name, uint32_t id, AccountNames& names) {
  raw(name);
  raw("{\"id\":\"");
  output.number(id);
  output.byte('"');
  // No system has longer names; one that is would need more place than a line is given for what is not a text of its record.
  const std::string_view known = names.of(id);
  if (!known.empty() && known.size() <= kLongestName) text(",\"name\":", known);
  output.byte('}');
}

void Line::entity(uint32_t pid, uint64_t start) {
  raw(",\"entity_id\":\"");
  raw(shared.entity_prefix);
  output.number(pid);
  output.byte('-');
  output.number(start);
  output.byte('"');
}

void Line::begin(const kestrel_header& header, std::string_view kind) {
  raw("{\"@timestamp\":");
  time(header.boottime);
  raw(",\"event\":{\"kind\":\"event\",");
  raw(kind);
  number(",\"sequence\":", shared.sequence);
  raw("},");
  raw(shared.host);
}

void Line::actor(const kestrel_process& process) {
  identity(process, comm_of(process.comm));
  relations(process);
}

void Line::identity(const kestrel_process& process, std::string_view name) {
  number(",\"process\":{\"pid\":", process.pid);
  entity(process.pid, process.start);
  text(",\"name\":", name);
  raw(",\"start\":");
  time(process.start);
}

void Line::relations(const kestrel_process& process) {
  const bool terminal = process.tty_major != 0;
  raw(terminal ? ",\"interactive\":true" : ",\"interactive\":false");
  if (terminal) {
    number(",\"tty\":{\"char_device\":{\"major\":", process.tty_major);
    number(",\"minor\":", process.tty_minor);
    raw("}}");
  }
  account(",\"user\":", process.euid, shared.users);
  account(",\"real_user\":", process.uid, shared.users);
  account(",\"saved_user\":", process.suid, shared.users);
  account(",\"group\":", process.egid, shared.groups);
  account(",\"real_group\":", process.gid, shared.groups);
  account(",\"saved_group\":", process.sgid, shared.groups);
  relation(",\"parent\":", process.parent_pid, process.parent_start, comm_of(process.parent_comm));
  relation(",\"group_leader\":", process.group_leader_pid, process.group_leader_start,
           comm_of(process.group_leader_comm));
  relation(",\"session_leader\":", process.session_leader_pid, process.session_leader_start,
           comm_of(process.session_leader_comm));
  raw("}");
  account(",\"user\":", process.euid, shared.users);
  account(",\"group\":", process.egid, shared.groups);
}

void Line::relation(std::string_view name, uint32_t pid, uint64_t start, std::string_view comm) {
  if (pid == 0) return;
  raw(name);
  number("{\"pid\":", pid);
  // Without a start the process has gone, and its pid alone may be another's by now.
  if (start != 0) {
    entity(pid, start);
    text(",\"name\":", comm);
    raw(",\"start\":");
    time(start);
  }
  raw("}");
}

void Line::args(std::string_view args, uint32_t count, bool unread) {
  if (!args.empty() && args.back() == '\0') args.remove_suffix(1);
  number(",\"args_count\":", count);
  if (count == 0 || unread) return;
  raw(",\"args\":[");
  for (size_t at = 0; at <= args.size();) {
    const size_t end = std::min(args.find('\0', at), args.size());
    if (at != 0) output.byte(',');
    quoted(args.substr(at, end - at));
    at = end + 1;
  }
  raw("],\"command_line\":\"");
  for (size_t at = 0; at <= args.size();) {
    const size_t end = std::min(args.find('\0', at), args.size());
    if (at != 0) output.byte(' ');
    write_json_text(output, args.substr(at, end - at));
    at = end + 1;
  }
  output.byte('"');
}

void Line::flags(uint32_t flags) {
  if (flags == 0 && utf8) return;
  std::string_view between = ",\"flags\":[\"";
  const auto put = [&](std::string_view name) {
    raw(between);
    raw(name);
    between = "\",\"";
  };
  for (const FlagName& one : kFlagNames) {
    if ((flags & one.flag) != 0) put(one.name);
  }
  if (!utf8) put("not_utf8");
  raw("\"]");
}

}  // namespace kestrel
