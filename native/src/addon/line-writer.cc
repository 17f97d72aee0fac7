#include "line-writer.h"

#include <algorithm>
#include <cstring>

#include "json-text.h"

namespace kestrel {
namespace {

/// More than all that a line has beside its texts: names of fields, numbers, times, ids.
constexpr size_t kFixedBytes = 8192;

/// Of a name of a user or group, of which a line has eight.
constexpr size_t kLongestName = 64;

constexpr std::string_view kClassNames[KESTREL_CLASSES] = {"exec", "fork", "exit"};

std::string json_string(std::string_view bytes) {
  std::string text(bytes.size() * kMostBytesOfByte + 2, '\0');
  Output output{text.data()};
  output.byte('"');
  write_json_text(output, bytes);
  output.byte('"');
  text.resize(static_cast<size_t>(output.at - text.data()));
  return text;
}

std::string_view comm_of(const char (&comm)[KESTREL_COMM_MAX]) { return {comm, strnlen(comm, sizeof(comm))}; }

std::string_view base_name(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos || slash + 1 == path.size() ? path : path.substr(slash + 1);
}

/// Year, month and day of a day since 1970, by the proleptic Gregorian calendar. Eras of 400 years begin on 1 March.
void civil_from_days(int64_t days, int& year, int& month, int& day) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const auto of_era = static_cast<uint32_t>(days - era * 146097);
  const uint32_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const uint32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const uint32_t shifted = (5 * of_year + 2) / 153;
  day = static_cast<int>(of_year - (153 * shifted + 2) / 5 + 1);
  month = static_cast<int>(shifted < 10 ? shifted + 3 : shifted - 9);
  year = static_cast<int>(year_of_era + era * 400 + (month <= 2 ? 1 : 0));
}

/// Two digits at a time: a line has five times, with nine digits behind each point.
constexpr char kPairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

void put_pair(char* at, uint32_t value) { std::memcpy(at, kPairs + 2 * value, 2); }

void put_nine(char* at, uint32_t value) {
  for (int digit = 7; digit >= 1; digit -= 2) {
    put_pair(at + digit, value % 100);
    value /= 100;
  }
  *at = static_cast<char>('0' + value);
}

/// A text of a record, or false when it does not lie within.
bool text_of(const char* record, size_t size, kestrel_text text, std::string_view& out) {
  if (static_cast<size_t>(text.offset) + text.length > size) return false;
  out = {record + text.offset, text.length};
  return true;
}

struct FlagName {
  uint16_t flag;
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
};

}  // namespace

std::string_view class_name(uint32_t klass) { return klass < KESTREL_CLASSES ? kClassNames[klass] : "unknown"; }

/// A line while it is written. `utf8` turns false when a text had bytes that are not UTF-8.
struct LineWriter::Line {
  LineWriter& writer;
  Output output;
  bool utf8 = true;

  void raw(std::string_view text) { output.text(text); }

  void quoted(std::string_view bytes) {
    output.byte('"');
    utf8 = write_json_text(output, bytes) && utf8;
    output.byte('"');
  }

  void number(std::string_view name, uint64_t value) {
    raw(name);
    output.number(value);
  }

  /// `name` is written with its colon, and the comma before it.
  void text(std::string_view name, std::string_view bytes) {
    raw(name);
    quoted(bytes);
  }

  /// A user or a group. Ids are texts in ECS.
  void account(std::string_view name, uint32_t id, AccountNames& names) {
    raw(name);
    raw("{\"id\":\"");
    output.number(id);
    output.byte('"');
    // No system has longer names; one that is would need more place than a line is given for what is not a text of its record.
    const std::string_view known = names.of(id);
    if (!known.empty() && known.size() <= kLongestName) text(",\"name\":", known);
    output.byte('}');
  }

  void time(uint64_t boottime) {
    // Without a sign the sum of any two numbers is defined; a record that is not the kernel's may hold any.
    const auto nanoseconds = static_cast<int64_t>(boottime + static_cast<uint64_t>(writer.clock_offset));
    int64_t second = nanoseconds / 1000000000;
    int64_t rest = nanoseconds % 1000000000;
    if (rest < 0) {
      rest += 1000000000;
      second--;
    }
    const int64_t day = (second >= 0 ? second : second - 86399) / 86400;
    if (day != writer.day_) {
      int year, month, of_month;
      civil_from_days(day, year, month, of_month);
      std::memcpy(writer.day_text_, "0000-00-00T", 11);
      put_pair(writer.day_text_, static_cast<uint32_t>(year / 100));
      put_pair(writer.day_text_ + 2, static_cast<uint32_t>(year % 100));
      put_pair(writer.day_text_ + 5, static_cast<uint32_t>(month));
      put_pair(writer.day_text_ + 8, static_cast<uint32_t>(of_month));
      writer.day_ = day;
    }
    const auto of_day = static_cast<uint32_t>(second - day * 86400);
    char* const at = output.at;
    at[0] = '"';
    std::memcpy(at + 1, writer.day_text_, 11);
    put_pair(at + 12, of_day / 3600);
    at[14] = ':';
    put_pair(at + 15, of_day / 60 % 60);
    at[17] = ':';
    put_pair(at + 18, of_day % 60);
    at[20] = '.';
    put_nine(at + 21, static_cast<uint32_t>(rest));
    output.at = at + 30;
    raw("Z\"");
  }

  void entity(uint32_t pid, uint64_t start) {
    raw(",\"entity_id\":\"");
    raw(writer.entity_prefix_);
    output.number(pid);
    output.byte('-');
    output.number(start);
    output.byte('"');
  }

  void begin(const kestrel_header& header, std::string_view event) {
    raw("{\"@timestamp\":");
    time(header.boottime);
    raw(",\"event\":{\"kind\":\"event\",\"category\":[\"process\"],");
    raw(event);
    number(",\"sequence\":", writer.sequence);
    raw("},");
    raw(writer.host_);
  }

  /// A process that is a relation of the event's: its parent, the leader of its group or session.
  void relation(std::string_view name, uint32_t pid, uint64_t start, std::string_view comm) {
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

  void identity(const kestrel_process& process, std::string_view name) {
    number(",\"process\":{\"pid\":", process.pid);
    entity(process.pid, process.start);
    text(",\"name\":", name);
    raw(",\"start\":");
    time(process.start);
  }

  void relations(const kestrel_process& process) {
    const bool terminal = process.tty_major != 0;
    raw(terminal ? ",\"interactive\":true" : ",\"interactive\":false");
    if (terminal) {
      number(",\"tty\":{\"char_device\":{\"major\":", process.tty_major);
      number(",\"minor\":", process.tty_minor);
      raw("}}");
    }
    account(",\"user\":", process.euid, writer.users_);
    account(",\"real_user\":", process.uid, writer.users_);
    account(",\"saved_user\":", process.suid, writer.users_);
    account(",\"group\":", process.egid, writer.groups_);
    account(",\"real_group\":", process.gid, writer.groups_);
    account(",\"saved_group\":", process.sgid, writer.groups_);
    relation(",\"parent\":", process.parent_pid, process.parent_start, comm_of(process.parent_comm));
    relation(",\"group_leader\":", process.group_leader_pid, process.group_leader_start,
             comm_of(process.group_leader_comm));
    relation(",\"session_leader\":", process.session_leader_pid, process.session_leader_start,
             comm_of(process.session_leader_comm));
    raw("}");
    account(",\"user\":", process.euid, writer.users_);
    account(",\"group\":", process.egid, writer.groups_);
  }

  /// Ends the line with what is ours, and no field of ECS. `more` writes what only this class has.
  template <typename More>
  void end(const kestrel_header& header, More more) {
    number(",\"kestrel\":{\"cgroup\":", header.cgroup);
    more();
    if (header.flags != 0 || !utf8) {
      std::string_view between = ",\"flags\":[\"";
      for (const FlagName& one : kFlagNames) {
        if ((header.flags & one.flag) == 0) continue;
        raw(between);
        raw(one.name);
        between = "\",\"";
      }
      if (!utf8) {
        raw(between);
        raw("not_utf8");
      }
      raw("\"]");
    }
    raw("}}\n");
    writer.sequence++;
  }

  /// Arguments end with a NUL each; the last one of a text that was cut does not.
  void args(std::string_view args, uint32_t count, bool unread) {
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
};

LineWriter::LineWriter(const Host& host) : users_(host.users), groups_(host.groups) {
  host_ = "\"host\":{";
  if (!host.name.empty()) host_ += "\"name\":" + json_string(host.name) + ",\"hostname\":" + json_string(host.name) + ",";
  if (!host.id.empty()) host_ += "\"id\":" + json_string(host.id) + ",";
  host_ += "\"os\":{\"type\":\"linux\"}}";
  // 64 bits of the boot's id keep the processes of all starts of all machines apart.
  for (const char digit : host.boot_id) {
    if (digit != '-' && entity_prefix_.size() < 16) entity_prefix_ += digit;
  }
  const std::string quoted = json_string(entity_prefix_);
  entity_prefix_ = quoted.substr(1, quoted.size() - 2) + "-";
}

bool LineWriter::append(Lines& lines, const void* data, size_t size) {
  const char* record = static_cast<const char*>(data);
  kestrel_header header;
  if (size < sizeof(header)) return false;
  std::memcpy(&header, data, sizeof(header));
  if (header.size != size) return false;

  // Each byte of a text is written twice at most: arguments stand in a list and in one line, a name ends its path.
  const size_t room = kFixedBytes + host_.size() + 8 * entity_prefix_.size() + 2 * size * kMostBytesOfByte;
  char* const begin = lines.reserve(room);
  Line line{*this, Output{begin}};
  bool written = false;
  switch (header.klass) {
    case KESTREL_CLASS_EXEC: {
      kestrel_exec exec;
      std::string_view executable, directory, filename, args;
      if (size < sizeof(exec)) break;
      std::memcpy(&exec, data, sizeof(exec));
      if (!text_of(record, size, exec.executable, executable) || !text_of(record, size, exec.directory, directory) ||
          !text_of(record, size, exec.filename, filename) || !text_of(record, size, exec.args, args)) {
        break;
      }
      line.begin(header, "\"type\":[\"start\"],\"action\":\"exec\"");
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
      written = true;
      break;
    }
    case KESTREL_CLASS_FORK: {
      kestrel_fork fork;
      if (size < sizeof(fork)) break;
      std::memcpy(&fork, data, sizeof(fork));
      line.begin(header, "\"type\":[\"start\"],\"action\":\"fork\"");
      line.identity(fork.process, comm_of(fork.process.comm));
      line.relations(fork.process);
      line.end(header, [] {});
      written = true;
      break;
    }
    case KESTREL_CLASS_EXIT: {
      kestrel_exit exit;
      if (size < sizeof(exit)) break;
      std::memcpy(&exit, data, sizeof(exit));
      const uint32_t signal = exit.status & 0x7f;
      line.begin(header, "\"type\":[\"end\"],\"action\":\"end\"");
      line.identity(exit.process, comm_of(exit.process.comm));
      // As shells say it: 128 and the signal.
      line.number(",\"exit_code\":", signal == 0 ? (exit.status >> 8) & 0xff : 128 + signal);
      line.relations(exit.process);
      line.end(header, [&] {
        if (signal != 0) line.number(",\"signal\":", signal);
      });
      written = true;
      break;
    }
    default:
      break;
  }
  if (written) lines.size += static_cast<size_t>(line.output.at - begin);
  return written;
}

void LineWriter::append_loss(Lines& lines, uint64_t boottime, kestrel_class klass, uint32_t cpu, uint64_t dropped) {
  char* const begin = lines.reserve(kFixedBytes + host_.size());
  Line line{*this, Output{begin}};
  line.raw("{\"@timestamp\":");
  line.time(boottime);
  line.raw(",\"event\":{\"kind\":\"pipeline_error\",\"action\":\"loss\"");
  line.number(",\"sequence\":", sequence++);
  line.raw("},");
  line.raw(host_);
  line.text(",\"kestrel\":{\"loss\":{\"class\":", class_name(klass));
  line.number(",\"cpu\":", cpu);
  line.number(",\"dropped\":", dropped);
  line.raw("}}}\n");
  lines.size += static_cast<size_t>(line.output.at - begin);
}

}  // namespace kestrel
