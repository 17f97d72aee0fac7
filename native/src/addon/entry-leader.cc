#include "entry-leader.h"

#include "line.h"

namespace kestrel {
namespace {

/// Programs through which sessions are entered. A name that ends with '*' stands for all that begin so.
struct Door {
  std::string_view name;
  EntryType type;
};
constexpr Door kDoors[] = {
    {"sshd", EntryType::kSshd},
    {"sshd-session", EntryType::kSshd},
    {"dropbear", EntryType::kSshd},
    {"ssm-session-worker", EntryType::kSsm},
    {"containerd-shim*", EntryType::kContainer},
    {"conmon", EntryType::kContainer},
    {"runc*", EntryType::kContainer},
    {"crun", EntryType::kContainer},
    // runc runs from a copy of itself that no file holds.
    {"memfd:runc*", EntryType::kContainer},
    {"login", EntryType::kTerminal},
    {"agetty", EntryType::kTerminal},
    {"getty", EntryType::kTerminal},
    {"gnome-terminal-*", EntryType::kTerminal},
    {"konsole", EntryType::kTerminal},
    {"xterm", EntryType::kTerminal},
    {"xfce4-terminal", EntryType::kTerminal},
};

/// Numbers of the terminals that a machine has itself: its screens and its serial lines.
constexpr uint16_t kScreens = 4;
constexpr uint16_t kConsole = 5;

bool is_named(std::string_view name, std::string_view pattern) {
  if (pattern.back() != '*') return name == pattern;
  pattern.remove_suffix(1);
  return name.substr(0, pattern.size()) == pattern;
}

EntryType door_of(const Process& process) {
  for (const Door& door : kDoors) {
    if (is_named(process.name(), door.name)) return door.type;
  }
  return EntryType::kUnset;
}

bool is_init(const Process& process) { return process.facts.pid == 1; }

}  // namespace

EntryType how_entered(const Process& process, const Process* creator, bool enters_container) {
  if (is_init(process)) return EntryType::kInit;
  if (creator == nullptr) return EntryType::kUnset;
  if (is_init(*creator)) return EntryType::kInit;
  // A door is not what came through it: sshd starts an sshd for each connection, which leads a session of its own.
  if (door_of(process) != EntryType::kUnset) return EntryType::kUnset;
  const EntryType door = door_of(*creator);
  if (door == EntryType::kTerminal) {
    const uint16_t terminal = process.facts.tty_major;
    return terminal == kScreens || terminal == kConsole ? EntryType::kConsole : EntryType::kTerminal;
  }
  if (door != EntryType::kUnset) return door;
  if (enters_container) return EntryType::kContainer;
  // What systemd starts for a user is a service as what it starts for the system.
  return creator->name() == "systemd" ? EntryType::kInit : EntryType::kUnset;
}

std::string_view entry_name(EntryType type) {
  switch (type) {
    case EntryType::kInit:
      return "init";
    case EntryType::kSshd:
      return "sshd";
    case EntryType::kSsm:
      return "ssm";
    case EntryType::kContainer:
      return "container";
    case EntryType::kTerminal:
      return "terminal";
    case EntryType::kConsole:
      return "console";
    default:
      return "unknown";
  }
}

}  // namespace kestrel
