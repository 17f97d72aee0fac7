#include <cstring>

#include "class-lines.h"
#include "given-path.h"

namespace kestrel {
namespace {

/// The kernel's numbers of the kinds of files, in the upper four bits of a mode.
std::string_view type_of_mode(uint32_t mode) {
  switch (mode >> 12) {
    case 001:
      return "fifo";
    case 002:
      return "char_device";
    case 004:
      return "dir";
    case 006:
      return "block_device";
    case 010:
      return "file";
    case 012:
      return "symlink";
    case 014:
      return "socket";
    default:
      return "";
  }
}

std::string_view type_of(const kestrel_file& file) {
  if ((file.knows & KESTREL_FILE_KNOWS_INODE) != 0) return type_of_mode(file.mode);
  switch (file.what) {
    case KESTREL_FILE_DIRECTORY:
      return "dir";
    case KESTREL_FILE_SYMLINK:
      return "symlink";
    case KESTREL_FILE_HARD_LINK:
      return "file";
    default:
      return "";
  }
}

/// What stands behind the last dot of a name, if something stands before it. No file system has longer names than this.
std::string_view extension_of(std::string_view name) {
  constexpr size_t kLongest = 255;
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == name.size() || name.size() > kLongest) return "";
  return name.substr(dot + 1);
}

/// `"path":…,"name":…` and the extension if there is one; null when the path could not be read.
void write_path(Line& line, std::string_view path) {
  if (path.empty()) return line.raw("\"path\":null");
  const std::string_view name = base_name(path);
  line.text("\"path\":", path);
  line.text(",\"name\":", name);
  const std::string_view extension = extension_of(name);
  if (!extension.empty()) line.text(",\"extension\":", extension);
}

void write_owner(Line& line, std::string_view id, uint32_t number, std::string_view name, AccountNames& names) {
  line.raw(id);
  line.output.number(number);
  line.output.byte('"');
  const std::string_view known = names.of(number);
  if (!known.empty() && known.size() <= kLongestName) line.text(name, known);
}

void write_mode(Line& line, uint32_t mode) {
  line.raw(",\"mode\":\"");
  for (int shift = 9; shift >= 0; shift -= 3) line.output.byte(static_cast<char>('0' + ((mode >> shift) & 7)));
  line.output.byte('"');
}

/// All of `file` but its path.
void write_facts(Line& line, const kestrel_file& file) {
  const std::string_view type = type_of(file);
  if (!type.empty()) line.text(",\"type\":", type);
  if ((file.knows & (KESTREL_FILE_KNOWS_INODE | KESTREL_FILE_KNOWS_PERMISSIONS)) != 0) write_mode(line, file.mode);
  if ((file.knows & KESTREL_FILE_KNOWS_INODE) == 0) return;
  line.number(",\"inode\":\"", file.inode);
  line.number("\",\"size\":", file.bytes);
  write_owner(line, ",\"uid\":\"", file.uid, ",\"owner\":", line.shared.users);
  write_owner(line, ",\"gid\":\"", file.gid, ",\"group\":", line.shared.groups);
}

std::string_view kind_of(uint32_t klass) {
  switch (klass) {
    case KESTREL_CLASS_CREATE:
      return "\"category\":[\"file\"],\"type\":[\"creation\"],\"action\":\"creation\"";
    case KESTREL_CLASS_MODIFY:
      return "\"category\":[\"file\"],\"type\":[\"change\"],\"action\":\"modification\"";
    case KESTREL_CLASS_OPEN:
      return "\"category\":[\"file\"],\"type\":[\"change\"],\"action\":\"open\"";
    case KESTREL_CLASS_RENAME:
      return "\"category\":[\"file\"],\"type\":[\"change\"],\"action\":\"rename\"";
    case KESTREL_CLASS_DELETE:
      return "\"category\":[\"file\"],\"type\":[\"deletion\"],\"action\":\"deletion\"";
    default:
      return "\"category\":[\"file\"],\"type\":[\"change\"],\"action\":\"attributes_modified\"";
  }
}

}  // namespace

bool write_file_line(Line& line, const kestrel_header& header, const char* record, size_t size) {
  kestrel_file file;
  std::string_view path, base, original, original_base;
  if (size < sizeof(file)) return false;
  std::memcpy(&file, record, sizeof(file));
  if (!text_of(record, size, file.path, path) || !text_of(record, size, file.base, base) ||
      !text_of(record, size, file.original, original) || !text_of(record, size, file.original_base, original_base)) {
    return false;
  }
  kestrel_header said = header;
  MeantPath meant, meant_original;
  if ((file.knows & KESTREL_FILE_GIVEN) != 0 && !(path.empty() && base.empty())) {
    meant = meant_path(base, path, (file.knows & KESTREL_FILE_FOLLOWED) != 0);
    if (!meant.is_certain) said.flags |= KESTREL_FLAG_PATH_UNRESOLVED;
    path = meant.path;
  }
  if ((file.knows & KESTREL_FILE_ORIGINAL_GIVEN) != 0 && !(original.empty() && original_base.empty())) {
    meant_original = meant_path(original_base, original, false);
    if (!meant_original.is_certain) said.flags |= KESTREL_FLAG_PATH_UNRESOLVED;
    original = meant_original.path;
  }

  line.begin(header, kind_of(header.klass));
  line.actor(file.process);
  line.raw(",\"file\":{");
  write_path(line, path);
  const size_t slash = path.rfind('/');
  if (slash != std::string_view::npos) line.text(",\"directory\":", path.substr(0, slash == 0 ? 1 : slash));
  write_facts(line, file);
  if (file.what == KESTREL_FILE_SYMLINK) line.text(",\"target_path\":", original);
  if (header.klass == KESTREL_CLASS_RENAME) {
    line.raw(",\"Ext\":{\"original\":{");
    write_path(line, original);
    line.raw("}}");
  }
  line.raw("}");
  line.end(said, [&] {
    if ((file.knows & KESTREL_FILE_KNOWS_INODE) != 0) {
      line.number(",\"device\":\"", file.device >> 20);
      line.number(":", file.device & 0xfffff);
      line.number("\",\"links\":", file.links);
    }
    if (file.what == KESTREL_FILE_HARD_LINK) line.text(",\"link_of\":", original);
    if (file.what == KESTREL_FILE_EXCHANGE) line.raw(",\"exchanged\":true");
    if (file.what == KESTREL_FILE_NAMELESS) line.raw(",\"nameless\":true");
  });
  return true;
}

}  // namespace kestrel
