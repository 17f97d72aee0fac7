// /proc/PID → what it says of a process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kestrel {

/// Of one process. What cannot be read, as of one that is about to end, is empty.
struct ProcFacts {
  uint32_t pid = 0;
  std::string comm;
  uint32_t parent = 0;
  uint32_t group_leader = 0;
  uint32_t session_leader = 0;
  uint16_t tty_major = 0;
  uint16_t tty_minor = 0;
  /// Since the start of the machine, in hundredths of a second.
  uint64_t start_ticks = 0;
  bool zombie = false;
  /// Real, effective and saved.
  uint32_t uids[3] = {};
  uint32_t gids[3] = {};
  bool has_ids = false;
  std::string executable;
  std::string directory;
  /// The first bytes of the arguments, which NULs separate, and how many arguments there are in all.
  std::string args;
  uint32_t args_count = 0;
  bool args_cut = false;
};

/// Nanoseconds of one of the ticks that start times in /proc are given in.
constexpr uint64_t kProcTick = 10000000;

/// False when there is no such process.
bool read_proc(const std::string& proc, uint32_t pid, size_t args_most, ProcFacts& facts);

/// When a process began, in ticks; 0 when there is none.
uint64_t start_in_proc(const std::string& proc, uint32_t pid);

/// All pids of /proc.
std::vector<uint32_t> pids_in_proc(const std::string& proc);

}  // namespace kestrel
