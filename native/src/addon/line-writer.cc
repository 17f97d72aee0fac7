#include "line-writer.h"

#include <cstdlib>
#include <cstring>
#include <ctime>

#include "class-lines.h"

namespace kestrel {
namespace {

LineContext context_of(const Host& host, const Enrichment& enrichment) {
  LineContext context{"\"host\":{",
                      "",
                      AccountNames(host.users),
                      AccountNames(host.groups),
                      std::make_unique<ProcessTable>(host.proc, enrichment.limits),
                      ExecutableHashes(enrichment.hashes, host.proc)};
  context.writes_capabilities = enrichment.capabilities;
  std::string& text = context.host;
  if (!host.name.empty()) text += "\"name\":" + json_string(host.name) + ",\"hostname\":" + json_string(host.name) + ",";
  if (!host.id.empty()) text += "\"id\":" + json_string(host.id) + ",";
  text += "\"os\":{\"type\":\"linux\"}}";
  // 64 bits of the boot's id keep the processes of all starts of all machines apart.
  std::string prefix;
  for (const char digit : host.boot_id) {
    if (digit != '-' && prefix.size() < 16) prefix += digit;
  }
  const std::string quoted = json_string(prefix);
  context.entity_prefix = quoted.substr(1, quoted.size() - 2) + "-";
  return context;
}

/// It may be some milliseconds late, and costs a fifth of the exact one.
std::chrono::steady_clock::time_point coarse_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return std::chrono::steady_clock::time_point(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

bool write_line(Line& line, const kestrel_header& header, const char* record, size_t size) {
  switch (header.klass) {
    case KESTREL_CLASS_EXEC:
    case KESTREL_CLASS_FORK:
    case KESTREL_CLASS_EXIT:
      return write_process_line(line, header, record, size);
    case KESTREL_CLASS_CONNECT:
    case KESTREL_CLASS_ACCEPT:
    case KESTREL_CLASS_DISCONNECT:
    case KESTREL_CLASS_BIND:
    case KESTREL_CLASS_LISTEN:
    case KESTREL_CLASS_DNS:
      return write_network_line(line, header, record, size);
    case KESTREL_CLASS_CREDENTIAL:
    case KESTREL_CLASS_SESSION:
    case KESTREL_CLASS_PTRACE:
    case KESTREL_CLASS_MEMFD:
    case KESTREL_CLASS_MMAP:
    case KESTREL_CLASS_SIGNAL:
    case KESTREL_CLASS_MODULE:
      return write_action_line(line, header, record, size);
    case KESTREL_CLASS_CREATE:
    case KESTREL_CLASS_MODIFY:
    case KESTREL_CLASS_OPEN:
    case KESTREL_CLASS_RENAME:
    case KESTREL_CLASS_DELETE:
    case KESTREL_CLASS_MODE:
      return write_file_line(line, header, record, size);
    default:
      return false;
  }
}

}  // namespace

LineWriter::LineWriter(const Host& host, ClassSet written, const Enrichment& enrichment)
    : context_(context_of(host, enrichment)), written_(written) {}

bool LineWriter::append(Lines& lines, const void* data, size_t size) {
  kestrel_header header;
  if (size < sizeof(header)) return false;
  std::memcpy(&header, data, sizeof(header));
  if (header.size != size) return false;

  // Each byte of a record's text is written twice at most: arguments stand in a list and in one line, a file's path is followed by its
  // name and its directory. An extension, which comes a third time, is short.
  const size_t room = kFixedBytes + context_.host.size() + 8 * context_.entity_prefix.size() +
                      (2 * size + kTableBytes) * kMostBytesOfByte;
  const auto now = coarse_now();
  if (context_.users.look(now)) context_.names++;
  if (context_.groups.look(now)) context_.names++;
  char* const begin = lines.reserve(room);
  Line line{context_, Output{begin}, has_class(written_, header.klass)};
  const uint64_t sequence = context_.sequence;
  if (!write_line(line, header, static_cast<const char*>(data), size)) return false;
  // INVARIANT: the room was enough. Were it not, something else has been written over, and nothing here can be trusted any more.
  if (line.output.at > begin + room) std::abort();
  if (line.wanted) {
    lines.size += static_cast<size_t>(line.output.at - begin);
  } else {
    context_.sequence = sequence;
  }
  return true;
}

void LineWriter::append_loss(Lines& lines, uint64_t boottime, kestrel_class klass, uint32_t cpu, uint64_t dropped) {
  char* const begin = lines.reserve(kFixedBytes + context_.host.size());
  Line line{context_, Output{begin}};
  line.text("{\"kestrel\":{\"loss\":{\"class\":", class_name(klass));
  line.number(",\"cpu\":", cpu);
  line.number(",\"dropped\":", dropped);
  line.raw("}},\"@timestamp\":");
  line.time(boottime);
  line.number(",\"event\":{\"kind\":\"pipeline_error\",\"action\":\"loss\",\"sequence\":", context_.sequence++);
  line.raw("},");
  line.raw(context_.host);
  line.raw("}\n");
  lines.size += static_cast<size_t>(line.output.at - begin);
}

void LineWriter::append_tick(Lines& lines, uint64_t boottime) {
  char* const begin = lines.reserve(kFixedBytes);
  Line line{context_, Output{begin}};
  line.raw("{\"kestrel\":{\"tick\":true},\"@timestamp\":");
  line.time(boottime);
  line.raw("}\n");
  lines.size += static_cast<size_t>(line.output.at - begin);
}

}  // namespace kestrel
