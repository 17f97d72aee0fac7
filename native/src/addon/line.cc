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
    {KESTREL_FLAG_ENVIRONMENT_CUT, "environment_cut"},
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

void Line::begin(const kestrel_header& header, std::string_view kind, std::string_view outcome) {
  cgroup = header.cgroup;
  raw("{\"@timestamp\":");
  time(header.boottime);
  raw(",\"event\":{\"kind\":\"event\",");
  raw(kind);
  raw(",\"outcome\":\"");
  raw(outcome);
  number("\",\"sequence\":", shared.sequence);
  raw("},");
  raw(shared.host);
}

void Line::args(std::string_view args, uint32_t count, bool unread) {
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
  if (flags == 0 && shortened == 0 && utf8) return;
  std::string_view between = ",\"flags\":[\"";
  const auto put = [&](std::string_view name) {
    raw(between);
    raw(name);
    between = "\",\"";
  };
  for (const FlagName& one : kFlagNames) {
    if ((flags & one.flag) != 0) put(one.name);
  }
  if ((shortened & kParentCut) != 0) put("parent_cut");
  if ((shortened & kEntryLeaderCut) != 0) put("entry_leader_cut");
  if ((shortened & kHashSkipped) != 0) put("hash_skipped");
  if (!utf8) put("not_utf8");
  raw("\"]");
}

}  // namespace kestrel
