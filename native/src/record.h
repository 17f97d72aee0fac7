/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * What the kernel's programs write into the ring, and the addon reads from it. This is the one description of it: the programs
 * include it after vmlinux.h, the addon after <cstdint>, and both are built only when every offset below is as it says.
 *
 * A record is a fixed part, then bytes that the texts of the fixed part point to:
 *
 *   0        40            184                              size
 *   | header | process     | rest of the fixed part | texts |
 *
 * A text is an offset from the start of the record and a length in bytes, without a closing NUL; arguments are separated by NULs.
 * What the kernel holds is bytes: nothing here promises UTF-8. Numbers are in the machine's order, a record never leaves it.
 */
#ifndef KESTREL_RECORD_H
#define KESTREL_RECORD_H

#ifdef __cplusplus
#include <cstddef>
#include <cstdint>
typedef uint8_t kestrel_u8;
typedef uint16_t kestrel_u16;
typedef uint32_t kestrel_u32;
typedef uint64_t kestrel_u64;
#define KESTREL_ASSERT(condition) static_assert(condition, #condition)
#define KESTREL_OFFSET(type, member) offsetof(type, member)
#else
typedef __u8 kestrel_u8;
typedef __u16 kestrel_u16;
typedef __u32 kestrel_u32;
typedef __u64 kestrel_u64;
#define KESTREL_ASSERT(condition) _Static_assert(condition, #condition)
#define KESTREL_OFFSET(type, member) __builtin_offsetof(type, member)
#endif

/* Classes of events: each has counters of its own. A number is never used again. */
enum kestrel_class {
  KESTREL_CLASS_EXEC = 0,
  KESTREL_CLASS_FORK = 1,
  KESTREL_CLASS_EXIT = 2,
  KESTREL_CLASS_CREDENTIAL = 3,
  KESTREL_CLASS_SESSION = 4,
  KESTREL_CLASS_PTRACE = 5,
  KESTREL_CLASS_MEMFD = 6,
  KESTREL_CLASS_MMAP = 7,
  KESTREL_CLASS_SIGNAL = 8,
  KESTREL_CLASS_MODULE = 9,
  KESTREL_CLASS_CREATE = 10,
  KESTREL_CLASS_MODIFY = 11,
  KESTREL_CLASS_OPEN = 12,
  KESTREL_CLASS_RENAME = 13,
  KESTREL_CLASS_DELETE = 14,
  KESTREL_CLASS_MODE = 15,
  KESTREL_CLASS_CONNECT = 16,
  KESTREL_CLASS_ACCEPT = 17,
  KESTREL_CLASS_DISCONNECT = 18,
  KESTREL_CLASS_BIND = 19,
  KESTREL_CLASS_LISTEN = 20,
  KESTREL_CLASS_DNS = 21,
  KESTREL_CLASSES = 22,
};

/* What is not whole in a record, and what else one bit says. */
enum kestrel_flag {
  /* The arguments are longer than KESTREL_ARGS_MAX: `args` has the first bytes, `args_size` is the true size. */
  KESTREL_FLAG_ARGS_CUT = 1 << 0,
  /* The arguments could not be read from the process's memory. */
  KESTREL_FLAG_ARGS_UNREAD = 1 << 1,
  /* A path has more components or bytes than are followed: its text is the end of the path. */
  KESTREL_FLAG_EXECUTABLE_CUT = 1 << 2,
  KESTREL_FLAG_DIRECTORY_CUT = 1 << 3,
  /* A name changed while it was read. */
  KESTREL_FLAG_PATH_TORN = 1 << 4,
  /* No folder holds the executable: it was removed, or never had a name, as of a memfd. */
  KESTREL_FLAG_UNLINKED = 1 << 5,
  /* The executable is the interpreter of a script; `filename` is the script. */
  KESTREL_FLAG_SCRIPT = 1 << 6,
  KESTREL_FLAG_FILENAME_CUT = 1 << 7,
  /* The environment is longer than KESTREL_ENVIRONMENT_MAX, or could not be read. */
  KESTREL_FLAG_ENVIRONMENT_CUT = 1 << 12,
  /* A DNS message is longer than KESTREL_PACKET_MAX: `packet` has the first bytes, `packet_size` is the true size. */
  KESTREL_FLAG_PACKET_CUT = 1 << 14,
  /* What went to or came from port 53 is no DNS message. The addon finds that out, no record has it. */
  KESTREL_FLAG_PACKET_MALFORMED = 1 << 15,
  /* As of the executable: the end of a file's path is there. */
  KESTREL_FLAG_PATH_CUT = 1 << 8,
  /* Symbolic links in the path may lead elsewhere. Only the addon sets it, of paths that are as the process gave them. */
  KESTREL_FLAG_PATH_UNRESOLVED = 1 << 9,
  /* A path or a name could not be read from the process's memory. */
  KESTREL_FLAG_PATH_UNREAD = 1 << 10,
  /* Whether the memory is of a file could not be seen: another thread was changing the process's memory. */
  KESTREL_FLAG_MAPPING_UNKNOWN = 1 << 11,
};

/* The most bytes that a text of each kind has. Powers of two, so that a mask bounds them for the verifier. */
#define KESTREL_ARGS_MAX 32768
#define KESTREL_ENVIRONMENT_MAX 16384
#define KESTREL_PATH_MAX 4096
#define KESTREL_COMM_MAX 16
#define KESTREL_PACKET_MAX 1024
#define KESTREL_RECORD_MAX 65536

struct kestrel_text {
  kestrel_u16 offset;
  kestrel_u16 length;
};

struct kestrel_header {
  /* Of the whole record, texts included. */
  kestrel_u32 size;
  kestrel_u16 klass;
  kestrel_u16 flags;
  kestrel_u64 monotonic;
  /* Goes on while the machine sleeps; what process start times are given in. Both clocks count nanoseconds. */
  kestrel_u64 boottime;
  kestrel_u64 cgroup;
  kestrel_u32 cpu;
  kestrel_u32 reserved;
};

/* A process, and what is known of its parent without a table. Ids are those of the first namespaces. */
struct kestrel_process {
  /* On the boot-time clock. A pid and its start name a process for as long as the machine is up. */
  kestrel_u64 start;
  kestrel_u64 parent_start;
  kestrel_u64 group_leader_start;
  kestrel_u64 session_leader_start;
  kestrel_u32 pid;
  kestrel_u32 tid;
  kestrel_u32 parent_pid;
  kestrel_u32 group_leader_pid;
  kestrel_u32 session_leader_pid;
  kestrel_u32 uid;
  kestrel_u32 euid;
  kestrel_u32 suid;
  kestrel_u32 gid;
  kestrel_u32 egid;
  kestrel_u32 sgid;
  /* Of the controlling terminal; 0 and 0 without one. */
  kestrel_u16 tty_major;
  kestrel_u16 tty_minor;
  char comm[KESTREL_COMM_MAX];
  char parent_comm[KESTREL_COMM_MAX];
  char group_leader_comm[KESTREL_COMM_MAX];
  char session_leader_comm[KESTREL_COMM_MAX];
};

struct kestrel_exec {
  struct kestrel_header header;
  struct kestrel_process process;
  kestrel_u64 inode;
  /* Of the device that holds the executable, as the kernel numbers it inside: major << 20 | minor. */
  kestrel_u32 device;
  kestrel_u32 links;
  kestrel_u32 argc;
  kestrel_u32 args_size;
  kestrel_u16 mode;
  kestrel_u16 reserved;
  struct kestrel_text executable;
  struct kestrel_text directory;
  /* What execve was called with. */
  struct kestrel_text filename;
  struct kestrel_text args;
  /* As the program was given it; empty unless the settings ask for it. */
  struct kestrel_text environment;
  /* A bit for each capability, by its number. */
  kestrel_u64 cap_effective;
  kestrel_u64 cap_permitted;
};

/* The process is the child. */
struct kestrel_fork {
  struct kestrel_header header;
  struct kestrel_process process;
};

struct kestrel_exit {
  struct kestrel_header header;
  struct kestrel_process process;
  /* As wait() gives it: signal in the low 7 bits, else the code in the second byte. */
  kestrel_u32 status;
  kestrel_u32 reserved;
};

/* The two ends of a socket as its process sees them: its own, and the other's. */
struct kestrel_ends {
  /* Of IPv4 the first four bytes. */
  kestrel_u8 local[16];
  kestrel_u8 remote[16];
  /* 0 where an end is not known (yet). */
  kestrel_u16 local_port;
  kestrel_u16 remote_port;
  /* 4 or 6, as the socket has it: one of version 6 may hold mapped addresses of version 4. */
  kestrel_u8 version;
  /* IPPROTO_TCP or IPPROTO_UDP. */
  kestrel_u8 protocol;
  /* Whether the other end began it. */
  kestrel_u8 incoming;
  /* Of DNS: whether it is the answer. */
  kestrel_u8 answer;
};

/* connect, accept, disconnect; bind and listen, which have no other end. */
struct kestrel_network {
  struct kestrel_header header;
  struct kestrel_process process;
  struct kestrel_ends ends;
};

/* The process is the one that asked, of an answer too. */
struct kestrel_dns {
  struct kestrel_header header;
  struct kestrel_process process;
  struct kestrel_ends ends;
  /* What the UDP datagram holds, as it was sent. */
  struct kestrel_text packet;
  kestrel_u32 packet_size;
};

/* What happened to a file, where one class has several. */
enum kestrel_file_what {
  KESTREL_FILE_PLAIN = 0,
  KESTREL_FILE_DIRECTORY = 1,
  KESTREL_FILE_SYMLINK = 2,
  KESTREL_FILE_HARD_LINK = 3,
  /* Two files changed names with each other. */
  KESTREL_FILE_EXCHANGE = 4,
  /* A file without a name, made with O_TMPFILE. */
  KESTREL_FILE_NAMELESS = 5,
};

/* What is known of the file itself, beside its paths. */
enum kestrel_file_knows {
  /* inode, device, size, links, uid, gid and all of mode. */
  KESTREL_FILE_KNOWS_INODE = 1 << 0,
  /* The permissions in mode, without the kind of file. */
  KESTREL_FILE_KNOWS_PERMISSIONS = 1 << 1,
  /* `path` is as the process gave it, from `base` if it does not begin with '/'. Else it is the kernel's own and whole. */
  KESTREL_FILE_GIVEN = 1 << 2,
  /* The last name of a given path is followed if it is a link. */
  KESTREL_FILE_FOLLOWED = 1 << 3,
  /* As KESTREL_FILE_GIVEN, for `original`. */
  KESTREL_FILE_ORIGINAL_GIVEN = 1 << 4,
};

/* create, modify, open, rename, delete, mode. */
struct kestrel_file {
  struct kestrel_header header;
  struct kestrel_process process;
  kestrel_u64 inode;
  kestrel_u64 bytes;
  kestrel_u32 device;
  kestrel_u32 links;
  kestrel_u32 uid;
  kestrel_u32 gid;
  kestrel_u16 mode;
  kestrel_u16 what;
  kestrel_u16 knows;
  kestrel_u16 reserved;
  struct kestrel_text path;
  struct kestrel_text base;
  /* Of rename the path before; of a symbolic link what it holds; of a hard link the name that the file had already. */
  struct kestrel_text original;
  struct kestrel_text original_base;
};

/* A change of ids: the process has the new ones. */
struct kestrel_credential {
  struct kestrel_header header;
  struct kestrel_process process;
  kestrel_u32 uid_before;
  kestrel_u32 euid_before;
  kestrel_u32 suid_before;
  kestrel_u32 gid_before;
  kestrel_u32 egid_before;
  kestrel_u32 sgid_before;
};

/* The process began a session. */
struct kestrel_session {
  struct kestrel_header header;
  struct kestrel_process process;
};

/* The process that something is done to. */
struct kestrel_target {
  /* 0 when the process was not found: `pid` is then the number that the call was given. */
  kestrel_u64 start;
  kestrel_u32 pid;
  kestrel_u32 uid;
  char comm[KESTREL_COMM_MAX];
};

struct kestrel_ptrace {
  struct kestrel_header header;
  struct kestrel_process process;
  struct kestrel_target target;
  kestrel_u32 request;
  kestrel_u32 reserved;
};

/* As many bytes as a name of a memfd has with its NUL. */
#define KESTREL_MEMFD_MAX 256

struct kestrel_memfd {
  struct kestrel_header header;
  struct kestrel_process process;
  kestrel_u32 memfd_flags;
  kestrel_u32 reserved;
  char name[KESTREL_MEMFD_MAX];
};

/* Anonymous memory became executable. */
struct kestrel_mmap {
  struct kestrel_header header;
  struct kestrel_process process;
  kestrel_u64 address;
  kestrel_u64 bytes;
  kestrel_u32 protection;
  /* Whether it was there before, and mprotect changed it. */
  kestrel_u32 is_change;
};

struct kestrel_signal {
  struct kestrel_header header;
  struct kestrel_process process;
  struct kestrel_target target;
  kestrel_u32 signal;
  /* Whether the target ignores it. */
  kestrel_u32 is_ignored;
};

#define KESTREL_MODULE_MAX 64

struct kestrel_module {
  struct kestrel_header header;
  struct kestrel_process process;
  kestrel_u64 inode;
  kestrel_u32 device;
  kestrel_u32 reserved;
  char name[KESTREL_MODULE_MAX];
  /* Of the file that it was loaded from; empty when it came from memory. */
  struct kestrel_text path;
  kestrel_u32 more_reserved;
};

/* How often each class was made, and how often the ring or the CPU's scratch room had no place for it. One per CPU. */
struct kestrel_counters {
  kestrel_u64 made;
  kestrel_u64 dropped;
};

/* Cgroups that can be left out of collection. */
#define KESTREL_EXCLUDED_MAX 8

/* Where in the map `cgroups` the one stands that collection is confined to; those that are left out stand behind it. */
#define KESTREL_CONFINING_CGROUP 0

/* What paths of files must begin with, as a key of the map `prefixes`: the value is a bit for each class that takes such paths. */
#define KESTREL_PREFIX_MAX 64

struct kestrel_prefix {
  /* Of the prefix, in bits. */
  kestrel_u32 bits;
  /* ASCII without letters of upper case; a prefix that is longer is cut. */
  kestrel_u8 bytes[KESTREL_PREFIX_MAX];
};

/* What the addon tells the programs when it loads them. */
struct kestrel_settings {
  /* A bit for each class that is made. */
  kestrel_u64 classes;
  /* A bit for each class of files that only `prefixes` lets pass. */
  kestrel_u64 filtered;
  /* The collector's own process, by its pid in its own namespace, and that namespace as stat() shows it. It is never reported. */
  kestrel_u64 own_namespace_device;
  kestrel_u64 own_namespace_inode;
  kestrel_u32 own_pid;
  /* Whether only one cgroup of `cgroups` is reported, with those below it. */
  kestrel_u32 confined;
  /* How many of `cgroups` are not reported, with those below them, and their ids. */
  kestrel_u32 excluded;
  /* Whether the environment of programs is read. */
  kestrel_u32 environment;
  kestrel_u64 excluded_ids[KESTREL_EXCLUDED_MAX];
};

/* A process that was there already: what the iterator gives, and no record of the ring. */
struct kestrel_found {
  struct kestrel_process process;
  kestrel_u64 cgroup;
  /* As the /proc of the addon calls it. */
  kestrel_u32 proc_pid;
  /* Whether only its parent has to hear of its end. */
  kestrel_u32 ended;
};

KESTREL_ASSERT(sizeof(struct kestrel_found) == 160);
KESTREL_ASSERT(sizeof(struct kestrel_settings) == 112);
KESTREL_ASSERT(sizeof(struct kestrel_prefix) == 68);
KESTREL_ASSERT(sizeof(struct kestrel_text) == 4);
KESTREL_ASSERT(sizeof(struct kestrel_header) == 40);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_header, klass) == 4);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_header, flags) == 6);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_header, monotonic) == 8);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_header, boottime) == 16);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_header, cgroup) == 24);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_header, cpu) == 32);
KESTREL_ASSERT(sizeof(struct kestrel_process) == 144);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_process, pid) == 32);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_process, uid) == 52);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_process, tty_major) == 76);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_process, comm) == 80);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_exec, process) == 40);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_exec, inode) == 184);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_exec, mode) == 208);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_exec, executable) == 212);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_exec, args) == 224);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_exec, cap_effective) == 232);
KESTREL_ASSERT(sizeof(struct kestrel_exec) == 248);
KESTREL_ASSERT(sizeof(struct kestrel_fork) == 184);
KESTREL_ASSERT(sizeof(struct kestrel_exit) == 192);
KESTREL_ASSERT(sizeof(struct kestrel_ends) == 40);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_ends, local_port) == 32);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_ends, version) == 36);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_network, ends) == 184);
KESTREL_ASSERT(sizeof(struct kestrel_network) == 224);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_dns, packet) == 224);
KESTREL_ASSERT(sizeof(struct kestrel_dns) == 232);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_file, inode) == 184);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_file, device) == 200);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_file, mode) == 216);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_file, path) == 224);
KESTREL_ASSERT(sizeof(struct kestrel_file) == 240);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_credential, uid_before) == 184);
KESTREL_ASSERT(sizeof(struct kestrel_credential) == 208);
KESTREL_ASSERT(sizeof(struct kestrel_session) == 184);
KESTREL_ASSERT(sizeof(struct kestrel_target) == 32);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_ptrace, target) == 184);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_ptrace, request) == 216);
KESTREL_ASSERT(sizeof(struct kestrel_ptrace) == 224);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_memfd, name) == 192);
KESTREL_ASSERT(sizeof(struct kestrel_memfd) == 448);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_mmap, protection) == 200);
KESTREL_ASSERT(sizeof(struct kestrel_mmap) == 208);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_signal, signal) == 216);
KESTREL_ASSERT(sizeof(struct kestrel_signal) == 224);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_module, name) == 200);
KESTREL_ASSERT(KESTREL_OFFSET(struct kestrel_module, path) == 264);
KESTREL_ASSERT(sizeof(struct kestrel_module) == 272);
/* The longest texts together fit behind the longest fixed part, and an offset fits 16 bits. */
KESTREL_ASSERT(sizeof(struct kestrel_exec) + 3 * KESTREL_PATH_MAX + KESTREL_ARGS_MAX + KESTREL_ENVIRONMENT_MAX <=
               KESTREL_RECORD_MAX);

#endif
