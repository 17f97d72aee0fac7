#include "dns-message.h"

#include <cstring>
#include <iterator>

namespace kestrel {
namespace {

constexpr size_t kHeaderBytes = 12;
/// Of a name on the wire, with the lengths of its labels and the closing one.
constexpr size_t kLongestWireName = 255;

constexpr uint16_t kTypeA = 1;
constexpr uint16_t kTypeAaaa = 28;
constexpr uint16_t kClassInternet = 1;

struct Named {
  uint16_t number;
  std::string_view name;
};
constexpr Named kTypes[] = {
    {1, "A"},         {2, "NS"},        {5, "CNAME"},      {6, "SOA"},         {12, "PTR"},     {13, "HINFO"},
    {15, "MX"},       {16, "TXT"},      {17, "RP"},        {18, "AFSDB"},      {24, "SIG"},     {25, "KEY"},
    {28, "AAAA"},     {29, "LOC"},      {33, "SRV"},       {35, "NAPTR"},      {36, "KX"},      {37, "CERT"},
    {39, "DNAME"},    {41, "OPT"},      {42, "APL"},       {43, "DS"},         {44, "SSHFP"},   {45, "IPSECKEY"},
    {46, "RRSIG"},    {47, "NSEC"},     {48, "DNSKEY"},    {49, "DHCID"},      {50, "NSEC3"},   {51, "NSEC3PARAM"},
    {52, "TLSA"},     {53, "SMIMEA"},   {55, "HIP"},       {59, "CDS"},        {60, "CDNSKEY"}, {61, "OPENPGPKEY"},
    {62, "CSYNC"},    {63, "ZONEMD"},   {64, "SVCB"},      {65, "HTTPS"},      {99, "SPF"},     {108, "EUI48"},
    {109, "EUI64"},   {249, "TKEY"},    {250, "TSIG"},     {251, "IXFR"},      {252, "AXFR"},   {255, "ANY"},
    {256, "URI"},     {257, "CAA"},
};
constexpr Named kClasses[] = {{1, "IN"}, {3, "CH"}, {4, "HS"}, {254, "NONE"}, {255, "ANY"}};
constexpr std::string_view kResponses[] = {"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
                                           "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};

template <size_t Count>
std::string_view name_of(const Named (&table)[Count], uint16_t number) {
  for (const Named& one : table) {
    if (one.number == number) return one.name;
  }
  return {};
}

uint8_t byte_at(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }
uint16_t short_at(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

/// Writes a byte of a label as the text form of names has it (RFC 1035, 5.1). Returns where to write on.
char* put_label_byte(char* to, uint8_t byte) {
  if (byte > 0x20 && byte < 0x7f) {
    if (byte == '.' || byte == '\\') *to++ = '\\';
    *to++ = static_cast<char>(byte);
    return to;
  }
  *to++ = '\\';
  *to++ = static_cast<char>('0' + byte / 100);
  *to++ = static_cast<char>('0' + byte / 10 % 10);
  *to++ = static_cast<char>('0' + byte % 10);
  return to;
}

}  // namespace

DnsMessage::Reading DnsMessage::read_name(std::string_view bytes, size_t& at) {
  char* to = name_;
  size_t place = at;
  // Every pointer goes to before the part that it ends: so there is no way back to it.
  size_t part = at;
  size_t wire = 1;
  bool jumped = false;
  while (true) {
    if (place >= bytes.size()) return kEnd;
    const uint8_t length = byte_at(bytes, place);
    if (length == 0) break;
    if ((length & 0xc0) == 0xc0) {
      if (place + 2 > bytes.size()) return kEnd;
      const size_t target = short_at(bytes, place) & 0x3fff;
      if (target >= part) return kWrong;
      if (!jumped) at = place + 2;
      jumped = true;
      place = part = target;
      continue;
    }
    wire += 1u + length;
    if ((length & 0xc0) != 0 || wire > kLongestWireName) return kWrong;
    if (place + 1 + length > bytes.size()) return kEnd;
    if (to != name_) *to++ = '.';
    for (size_t index = 1; index <= length; index++) to = put_label_byte(to, byte_at(bytes, place + index));
    place += 1u + length;
  }
  if (!jumped) at = place + 1;
  if (to == name_) *to++ = '.';
  name_length_ = static_cast<size_t>(to - name_);
  return kRead;
}

DnsMessage::Reading DnsMessage::read_question(std::string_view bytes, size_t& at) {
  const Reading reading = read_name(bytes, at);
  if (reading != kRead) return reading;
  if (bytes.size() - at < 4) return kEnd;
  type = short_at(bytes, at);
  klass = short_at(bytes, at + 2);
  at += 4;
  has_question = true;
  return kRead;
}

DnsMessage::Reading DnsMessage::read_answer(std::string_view bytes, size_t& at) {
  // Of its name only the end is of interest.
  while (true) {
    if (at >= bytes.size()) return kEnd;
    const uint8_t length = byte_at(bytes, at);
    if ((length & 0xc0) == 0xc0) {
      at += 2;
      break;
    }
    if ((length & 0xc0) != 0) return kWrong;
    at += 1u + length;
    if (length == 0) break;
  }
  constexpr size_t kFixed = 10;
  if (at > bytes.size() || bytes.size() - at < kFixed) return kEnd;
  const uint16_t record_type = short_at(bytes, at);
  const uint16_t record_class = short_at(bytes, at + 2);
  const uint16_t length = short_at(bytes, at + 8);
  at += kFixed;
  if (bytes.size() - at < length) return kEnd;
  if (record_class == kClassInternet && (record_type == kTypeA || record_type == kTypeAaaa)) {
    if (length != (record_type == kTypeA ? 4 : 16)) return kWrong;
    if (resolved < kMostResolved) {
      Address& address = addresses[resolved++];
      address.version = record_type == kTypeA ? 4 : 6;
      std::memcpy(address.bytes, bytes.data() + at, length);
    }
  }
  at += length;
  return kRead;
}

bool DnsMessage::read(std::string_view bytes, bool is_cut) {
  if (bytes.size() < kHeaderBytes) return false;
  id = short_at(bytes, 0);
  is_answer = (byte_at(bytes, 2) & 0x80) != 0;
  response_code = byte_at(bytes, 3) & 15;
  const uint16_t questions = short_at(bytes, 4);
  answers = short_at(bytes, 6);
  size_t at = kHeaderBytes;
  if (questions == 0) return true;
  Reading reading = read_question(bytes, at);
  // Nobody asks two questions, and the answers would stand behind the second.
  if (questions > 1) return reading == kRead;
  for (uint16_t count = 0; reading == kRead && count < answers; count++) reading = read_answer(bytes, at);
  return reading == kRead || (reading == kEnd && is_cut);
}

std::string_view dns_type_name(uint16_t type) { return name_of(kTypes, type); }
std::string_view dns_class_name(uint16_t klass) { return name_of(kClasses, klass); }
std::string_view dns_response_name(uint8_t code) { return code < std::size(kResponses) ? kResponses[code] : std::string_view{}; }

}  // namespace kestrel
