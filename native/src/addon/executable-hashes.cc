#include "executable-hashes.h"

#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <memory>

namespace kestrel {
namespace {

/// Nearly all programs are smaller; of the others a hash would take a tenth of a second.
constexpr off_t kMostBytes = 16 << 20;

constexpr size_t kMostKnown = 4096;

constexpr size_t kPart = 1 << 16;

/// Of all time, so much goes into hashes; and so much is saved up for when many programs start at once. A ring of 16 MiB holds what
/// 2,000 execs and 100,000 other events make in a third of a second.
constexpr uint64_t kShareOfTime = 5;
constexpr uint64_t kMostSaved = 150000000;

// As statfs gives them.
constexpr long kFuse = 0x65735546;
constexpr long kNfs = 0x6969;
constexpr long kCifs = 0xff534d42;
constexpr long kSmb2 = 0xfe534d42;
constexpr long kNinep = 0x01021997;

uint64_t monotonic() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1000000000 + static_cast<uint64_t>(time.tv_nsec);
}

/// Whether reading may wait for another machine, or for a process that may be the one that is watched.
bool is_remote(int file) {
  struct statfs system {};
  if (fstatfs(file, &system) != 0) return true;
  const auto type = static_cast<uint32_t>(system.f_type);
  const auto is = [&](long magic) { return type == static_cast<uint32_t>(magic); };
  return is(kFuse) || is(kNfs) || is(kCifs) || is(kSmb2) || is(kNinep);
}

}  // namespace

bool ExecutableHashes::may_take(uint64_t nanoseconds) {
  const uint64_t now = monotonic();
  saved_ = reckoned_ == 0 ? kMostSaved : std::min(kMostSaved, saved_ + (now - reckoned_) / kShareOfTime);
  reckoned_ = now;
  return nanoseconds <= saved_;
}

const Hashes* ExecutableHashes::of(uint32_t pid, std::string_view path, uint64_t inode) {
  const std::string link = proc_ + "/" + std::to_string(pid) + "/exe";
  for (const std::string& name : {link, std::string(path)}) {
    // What is opened may be anything by now, also a pipe that would wait for its other end.
    const int file = open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) continue;
    struct stat status {};
    const bool same = fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_ino == inode;
    const Hashes* const hashes = same ? of_file(file) : nullptr;
    close(file);
    if (same) return hashes;
  }
  return nullptr;
}

const Hashes* ExecutableHashes::of_file(int file) {
  struct stat status {};
  if (fstat(file, &status) != 0 || status.st_size > kMostBytes) return nullptr;
  const Key key{status.st_dev, status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_size};
  const auto found = known_.find(key);
  if (found != known_.end()) {
    ages_.splice(ages_.begin(), ages_, found->second.age);
    return &found->second.hashes;
  }
  if (is_remote(file) || !may_take(static_cast<uint64_t>(status.st_size) * picoseconds_ / 1000)) return nullptr;

  const uint64_t began = monotonic();
  Digest md5(kMd5), sha1(kSha1), sha256(kSha256);
  const std::unique_ptr<char[]> part(new char[kPart]);
  off_t at = 0;
  while (true) {
    const ssize_t got = pread(file, part.get(), kPart, at);
    if (got < 0) return nullptr;
    if (got == 0) break;
    const auto size = static_cast<size_t>(got);
    if ((kinds_ & kMd5) != 0) md5.add(part.get(), size);
    if ((kinds_ & kSha1) != 0) sha1.add(part.get(), size);
    if ((kinds_ & kSha256) != 0) sha256.add(part.get(), size);
    at += got;
    // It grows while it is read, and so is nothing that has one hash.
    if (at > status.st_size) return nullptr;
  }
  const uint64_t took = monotonic() - began;
  saved_ -= std::min(saved_, took);
  if (at > static_cast<off_t>(kPart)) picoseconds_ = std::max<uint64_t>(took * 1000 / static_cast<uint64_t>(at), 1);

  struct stat after {};
  if (fstat(file, &after) != 0 || after.st_size != status.st_size || after.st_mtim.tv_sec != status.st_mtim.tv_sec ||
      after.st_mtim.tv_nsec != status.st_mtim.tv_nsec) {
    return nullptr;
  }
  if (known_.size() >= kMostKnown) {
    known_.erase(ages_.back());
    ages_.pop_back();
  }
  ages_.push_front(key);
  Known& known = known_[key];
  known.age = ages_.begin();
  if ((kinds_ & kMd5) != 0) known.hashes.md5 = md5.end();
  if ((kinds_ & kSha1) != 0) known.hashes.sha1 = sha1.end();
  if ((kinds_ & kSha256) != 0) known.hashes.sha256 = sha256.end();
  return &known.hashes;
}

}  // namespace kestrel
