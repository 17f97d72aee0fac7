#include <cstring>

#include "class-lines.h"

namespace kestrel {
namespace {

/// A record of a fixed size; false when it is shorter.
template <typename Record>
bool read(Record& out, const char* record, size_t size) {
  if (size < sizeof(out)) return false;
  std::memcpy(&out, record, sizeof(out));
  return true;
}

/// The process that something is done to. Its name is not known when it was not found.
void write_target(Line& line, const kestrel_target& target) {
  line.number(",\"target\":{\"pid\":", target.pid);
  if (target.start != 0) {
    line.entity(target.pid, target.start);
    const Process* const known = line.shared.processes->find({target.pid, target.start});
    line.text(",\"name\":", known == nullptr ? comm_of(target.comm) : known->name());
    line.number(",\"user\":{\"id\":\"", target.uid);
    line.raw("\"}");
  }
  line.raw("}");
}

bool write_credential(Line& line, const kestrel_header& header, const char* record, size_t size) {
  kestrel_credential now;
  if (!read(now, record, size)) return false;
  const kestrel_process& process = now.process;
  const bool is_user =
      now.uid_before != process.uid || now.euid_before != process.euid || now.suid_before != process.suid;
  line.begin(header, is_user ? "\"category\":[\"process\"],\"type\":[\"change\"],\"action\":\"uid_change\""
                             : "\"category\":[\"process\"],\"type\":[\"change\"],\"action\":\"gid_change\"");
  line.actor(process);
  line.end(header, [&] {
    line.number(",\"before\":{\"real_user\":{\"id\":\"", now.uid_before);
    line.number("\"},\"user\":{\"id\":\"", now.euid_before);
    line.number("\"},\"saved_user\":{\"id\":\"", now.suid_before);
    line.number("\"},\"real_group\":{\"id\":\"", now.gid_before);
    line.number("\"},\"group\":{\"id\":\"", now.egid_before);
    line.number("\"},\"saved_group\":{\"id\":\"", now.sgid_before);
    line.raw("\"}}");
  });
  return true;
}

bool write_session(Line& line, const kestrel_header& header, const char* record, size_t size) {
  kestrel_session session;
  if (!read(session, record, size)) return false;
  line.begin(header, "\"category\":[\"process\"],\"type\":[\"change\"],\"action\":\"session_id_change\"");
  line.actor(session.process);
  line.end(header, [] {});
  return true;
}

std::string_view request_name(uint32_t request) {
  switch (request) {
    case 4:
      return "PTRACE_POKETEXT";
    case 5:
      return "PTRACE_POKEDATA";
    case 6:
      return "PTRACE_POKEUSR";
    case 13:
      return "PTRACE_SETREGS";
    case 16:
      return "PTRACE_ATTACH";
    case 0x4205:
      return "PTRACE_SETREGSET";
    case 0x4206:
      return "PTRACE_SEIZE";
    default:
      return "";
  }
}

bool write_ptrace(Line& line, const kestrel_header& header, const char* record, size_t size) {
  kestrel_ptrace ptrace;
  if (!read(ptrace, record, size)) return false;
  line.begin(header, "\"category\":[\"process\"],\"type\":[\"start\"],\"action\":\"ptrace\"");
  line.actor(ptrace.process);
  line.end(header, [&] {
    line.number(",\"ptrace\":{\"number\":", ptrace.request);
    const std::string_view name = request_name(ptrace.request);
    if (!name.empty()) line.text(",\"request\":", name);
    line.raw("}");
    write_target(line, ptrace.target);
  });
  return true;
}

/// Flags of memfd_create as Elastic Defend names them, and those that came later.
struct MemfdFlag {
  uint32_t flag;
  std::string_view member;
};
constexpr MemfdFlag kMemfdFlags[] = {
    {1, ",\"flag_cloexec\":true"},     {2, ",\"flag_allow_seal\":true"}, {4, ",\"flag_hugetlb\":true"},
    {8, ",\"flag_noexec_seal\":true"}, {16, ",\"flag_exec\":true"},
};

bool write_memfd(Line& line, const kestrel_header& header, const char* record, size_t size) {
  kestrel_memfd memfd;
  if (!read(memfd, record, size)) return false;
  line.begin(header, "\"category\":[\"process\"],\"type\":[\"start\"],\"action\":\"memfd_create\"");
  line.actor(memfd.process, [&] {
    line.text(",\"Ext\":{\"memfd\":{\"name\":", {memfd.name, strnlen(memfd.name, sizeof(memfd.name))});
    line.number(",\"flags\":", memfd.memfd_flags);
    for (const MemfdFlag& one : kMemfdFlags) {
      if ((memfd.memfd_flags & one.flag) != 0) line.raw(one.member);
    }
    line.raw("}}");
  });
  line.end(header, [] {});
  return true;
}

bool write_mmap(Line& line, const kestrel_header& header, const char* record, size_t size) {
  kestrel_mmap memory;
  if (!read(memory, record, size)) return false;
  line.begin(header, "\"category\":[\"process\"],\"type\":[\"change\"],\"action\":\"mmap\"");
  line.actor(memory.process);
  line.end(header, [&] {
    line.raw(memory.is_change != 0 ? ",\"mmap\":{\"call\":\"mprotect\"" : ",\"mmap\":{\"call\":\"mmap\"");
    line.number(",\"address\":", memory.address);
    line.number(",\"size\":", memory.bytes);
    // As /proc/PID/maps writes it.
    line.raw(",\"protection\":\"");
    line.output.byte((memory.protection & 1) != 0 ? 'r' : '-');
    line.output.byte((memory.protection & 2) != 0 ? 'w' : '-');
    line.output.byte((memory.protection & 4) != 0 ? 'x' : '-');
    line.raw("\"}");
  });
  return true;
}

bool write_signal(Line& line, const kestrel_header& header, const char* record, size_t size) {
  kestrel_signal signal;
  if (!read(signal, record, size)) return false;
  line.begin(header, "\"category\":[\"process\"],\"type\":[\"change\"],\"action\":\"signal\"");
  line.actor(signal.process);
  line.end(header, [&] {
    line.number(",\"signal\":", signal.signal);
    if (signal.is_ignored != 0) line.raw(",\"ignored\":true");
    write_target(line, signal.target);
  });
  return true;
}

bool write_module(Line& line, const kestrel_header& header, const char* record, size_t size) {
  kestrel_module module;
  std::string_view path;
  if (!read(module, record, size) || !text_of(record, size, module.path, path)) return false;
  const std::string_view name(module.name, strnlen(module.name, sizeof(module.name)));
  line.begin(header, "\"category\":[\"driver\",\"process\"],\"type\":[\"start\"],\"action\":\"load_module\"");
  line.actor(module.process);
  line.text(",\"driver\":{\"name\":", name);
  line.raw("}");
  if (!path.empty()) {
    line.text(",\"file\":{\"path\":", path);
    line.text(",\"name\":", base_name(path));
    line.number(",\"inode\":\"", module.inode);
    line.raw("\"}");
  }
  line.end(header, [] {});
  return true;
}

}  // namespace

bool write_action_line(Line& line, const kestrel_header& header, const char* record, size_t size) {
  switch (header.klass) {
    case KESTREL_CLASS_CREDENTIAL:
      return write_credential(line, header, record, size);
    case KESTREL_CLASS_SESSION:
      return write_session(line, header, record, size);
    case KESTREL_CLASS_PTRACE:
      return write_ptrace(line, header, record, size);
    case KESTREL_CLASS_MEMFD:
      return write_memfd(line, header, record, size);
    case KESTREL_CLASS_MMAP:
      return write_mmap(line, header, record, size);
    case KESTREL_CLASS_SIGNAL:
      return write_signal(line, header, record, size);
    case KESTREL_CLASS_MODULE:
      return write_module(line, header, record, size);
    default:
      return false;
  }
}

}  // namespace kestrel
