// The executable of a process that has just begun → its hashes, if its file is small and there is time to read it.
//
// The file is read on the thread that empties the ring, so the time that goes into it is a small part of all time. A file is read once: what
// was found is kept by device, inode, time of change and size.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "file-digests.h"

namespace kestrel {

/// In hexadecimal digits; empty where it was not asked for.
struct Hashes {
  std::string md5;
  std::string sha1;
  std::string sha256;
};

class ExecutableHashes {
 public:
  /// `kinds` are bits of HashSet. `proc` is where processes are found: /proc.
  ExecutableHashes(uint32_t kinds, std::string proc) : kinds_(kinds), proc_(std::move(proc)) {}

  bool is_wanted() const { return kinds_ != 0; }
  /// The hashes of the file with this inode that the process runs, or that stands at the path if the process has gone; null when there are
  /// none to be had. It is good until the next call.
  const Hashes* of(uint32_t pid, std::string_view path, uint64_t inode);

 private:
  using Key = std::tuple<dev_t, ino_t, int64_t, int64_t, off_t>;
  struct Known {
    Hashes hashes;
    std::list<Key>::iterator age;
  };

  const Hashes* of_file(int file);
  bool may_take(uint64_t nanoseconds);

  const uint32_t kinds_;
  const std::string proc_;
  std::map<Key, Known> known_;
  /// The one that was asked for last is the first.
  std::list<Key> ages_;
  /// Time that may be taken, and when that was reckoned.
  uint64_t saved_ = 0;
  uint64_t reckoned_ = 0;
  /// What a byte has cost, in thousandths of a nanosecond.
  uint64_t picoseconds_ = 5000;
};

}  // namespace kestrel
