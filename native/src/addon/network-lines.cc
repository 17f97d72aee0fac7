#include <arpa/inet.h>

#include <cstring>

#include "class-lines.h"
#include "dns-message.h"

namespace kestrel {
namespace {

constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr uint8_t kUdp = 17;

bool is_mapped(const uint8_t (&address)[16]) { return std::memcmp(address, kMapped, sizeof(kMapped)) == 0; }

void put_ip(Line& line, uint8_t version, const uint8_t (&address)[16]) {
  char text[INET6_ADDRSTRLEN];
  const bool mapped = version == 6 && is_mapped(address);
  const uint8_t* const bytes = mapped ? address + sizeof(kMapped) : address;
  inet_ntop(version == 4 || mapped ? AF_INET : AF_INET6, bytes, text, sizeof(text));
  line.output.byte('"');
  line.raw(text);
  line.output.byte('"');
}

/// `,"source":…` or `,"destination":…`. An end without a port is not known.
void put_end(Line& line, std::string_view name, uint8_t version, const uint8_t (&address)[16], uint16_t port) {
  if (port == 0) return;
  line.raw(name);
  line.raw("{\"ip\":");
  put_ip(line, version, address);
  line.raw(",\"address\":");
  put_ip(line, version, address);
  line.number(",\"port\":", port);
  line.output.byte('}');
}

/// source, destination and network. The source is the end that began; of a socket without another end it is the socket's own.
void put_ends(Line& line, const kestrel_ends& ends, std::string_view direction, std::string_view protocol) {
  const std::string_view local = ends.incoming != 0 ? ",\"destination\":" : ",\"source\":";
  const std::string_view remote = ends.incoming != 0 ? ",\"source\":" : ",\"destination\":";
  put_end(line, local, ends.version, ends.local, ends.local_port);
  put_end(line, remote, ends.version, ends.remote, ends.remote_port);
  const auto& shown = ends.remote_port != 0 ? ends.remote : ends.local;
  line.raw(ends.protocol == kUdp ? ",\"network\":{\"transport\":\"udp\"" : ",\"network\":{\"transport\":\"tcp\"");
  line.raw(ends.version == 4 || is_mapped(shown) ? ",\"type\":\"ipv4\"" : ",\"type\":\"ipv6\"");
  if (!direction.empty()) line.text(",\"direction\":", direction);
  if (!protocol.empty()) line.text(",\"protocol\":", protocol);
  line.output.byte('}');
}

std::string_view kind_of(uint16_t klass) {
  switch (klass) {
    case KESTREL_CLASS_CONNECT:
      return "\"category\":[\"network\"],\"type\":[\"start\"],\"action\":\"connection_attempted\"";
    case KESTREL_CLASS_ACCEPT:
      return "\"category\":[\"network\"],\"type\":[\"start\"],\"action\":\"connection_accepted\"";
    case KESTREL_CLASS_DISCONNECT:
      return "\"category\":[\"network\"],\"type\":[\"end\"],\"action\":\"disconnect_received\"";
    case KESTREL_CLASS_BIND:
      return "\"category\":[\"network\"],\"type\":[\"info\"],\"action\":\"bound-socket\"";
    default:
      return "\"category\":[\"network\"],\"type\":[\"start\"],\"action\":\"listen-for-connections\"";
  }
}

bool write_socket(Line& line, const kestrel_header& header, const char* record, size_t size) {
  kestrel_network network;
  if (size < sizeof(network)) return false;
  std::memcpy(&network, record, sizeof(network));
  const bool connected = header.klass != KESTREL_CLASS_BIND && header.klass != KESTREL_CLASS_LISTEN;
  line.begin(header, kind_of(header.klass));
  line.actor(network.process);
  put_ends(line, network.ends, !connected ? "" : network.ends.incoming != 0 ? "ingress" : "egress", "");
  line.end(header, [] {});
  return true;
}

/// A name of the protocol's, or the number behind `prefix`, as RFC 3597 writes what has no name.
void put_named(Line& line, std::string_view member, std::string_view name, std::string_view prefix, uint16_t number) {
  line.raw(member);
  line.output.byte('"');
  if (name.empty()) {
    line.number(prefix, number);
  } else {
    line.raw(name);
  }
  line.output.byte('"');
}

void put_message(Line& line, const DnsMessage& message) {
  line.number(",\"dns\":{\"id\":\"", message.id);
  line.raw(message.is_answer ? "\",\"type\":\"answer\"" : "\",\"type\":\"query\"");
  if (message.has_question) {
    line.text(",\"question\":{\"name\":", message.name());
    put_named(line, ",\"type\":", dns_type_name(message.type), "TYPE", message.type);
    put_named(line, ",\"class\":", dns_class_name(message.klass), "CLASS", message.klass);
    line.output.byte('}');
  }
  if (message.is_answer) {
    put_named(line, ",\"response_code\":", dns_response_name(message.response_code), "RCODE", message.response_code);
    line.number(",\"answers_count\":", message.answers);
    for (size_t at = 0; at < message.resolved; at++) {
      line.raw(at == 0 ? ",\"resolved_ip\":[" : ",");
      put_ip(line, message.addresses[at].version, message.addresses[at].bytes);
    }
    if (message.resolved != 0) line.output.byte(']');
  }
  line.output.byte('}');
}

bool write_dns(Line& line, const kestrel_header& header, const char* record, size_t size) {
  kestrel_dns dns;
  std::string_view packet;
  if (size < sizeof(dns)) return false;
  std::memcpy(&dns, record, sizeof(dns));
  if (!text_of(record, size, dns.packet, packet)) return false;
  const bool is_cut = (header.flags & KESTREL_FLAG_PACKET_CUT) != 0;
  DnsMessage message;
  kestrel_header told = header;
  const bool is_message = message.read(packet, is_cut);
  if (!is_message) told.flags |= KESTREL_FLAG_PACKET_MALFORMED;
  line.begin(header, dns.ends.answer != 0
                         ? "\"category\":[\"network\",\"dns\"],\"type\":[\"protocol\",\"info\"],\"action\":\"lookup_result\""
                         : "\"category\":[\"network\",\"dns\"],\"type\":[\"protocol\",\"info\"],\"action\":\"lookup_requested\"");
  line.actor(dns.process);
  put_ends(line, dns.ends, "egress", "dns");
  // Of what goes wrong behind its question the question is told.
  if (is_message || message.has_question) put_message(line, message);
  line.end(told, [&] {
    if (is_cut) line.number(",\"packet_size\":", dns.packet_size);
  });
  return true;
}

}  // namespace

bool write_network_line(Line& line, const kestrel_header& header, const char* record, size_t size) {
  return header.klass == KESTREL_CLASS_DNS ? write_dns(line, header, record, size) : write_socket(line, header, record, size);
}

}  // namespace kestrel
