/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Records → the ring, and what is lost on the way.
 *
 * A record whose size is known beforehand is made in the ring; one with texts is put together in a room of this CPU and copied.
 * INVARIANT: every event that passes the filter is counted as made exactly once, and as dropped unless it stands in the ring. One whose
 * path nobody could look at, because no room was free, counts as if it had passed.
 */
#ifndef KESTREL_RING_H
#define KESTREL_RING_H

/* What the loader decides before the programs are loaded: constants for the verifier, which removes what they exclude. */
SEC(".rodata.settings") const volatile struct kestrel_settings settings = {};

/* The cgroup that collection is confined to, if it is, and those that are left out. By its descriptor one is the same in every namespace. */
struct {
  __uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
  __uint(max_entries, 1 + KESTREL_EXCLUDED_MAX);
  __type(key, __u32);
  __type(value, __u32);
} cgroups SEC(".maps");

/* The loader sets the sizes of `events` and `rooms`. */
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 24);
} events SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, KESTREL_CLASSES);
  __type(key, __u32);
  __type(value, struct kestrel_counters);
} counters SEC(".maps");

/*
 * A room holds a record while it is made. A path is written from its end, so it has a place of its own, as long as a
 * masked index reaches with one name behind it. Programs on these hooks do not interrupt each other today, but newer kernels let a tracepoint be preempted: a room is
 * taken with an exchange, and there are two for each CPU. When both are taken, the event counts as dropped.
 */
#define ROOMS_OF_CPU 2
#define NAME_MAX_BYTES 256

struct room {
  __u32 taken;
  __u32 reserved;
  union {
    struct kestrel_exec exec;
    __u8 record[KESTREL_RECORD_MAX + KESTREL_ARGS_MAX];
  };
  __u8 path[2 * KESTREL_PATH_MAX + NAME_MAX_BYTES];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, ROOMS_OF_CPU);
  __type(key, __u32);
  __type(value, struct room);
} rooms SEC(".maps");

/* Whether events of a class are made. What is behind it in a program is not even verified where it is false. */
static __always_inline bool is_class(enum kestrel_class klass)
{
  return (settings.classes & (1ULL << klass)) != 0;
}

/* Whether what the current task does is wanted. */
static __always_inline bool is_wanted(void)
{
  if (settings.confined && bpf_current_task_under_cgroup(&cgroups, KESTREL_CONFINING_CGROUP) != 1)
    return false;
  for (__u32 at = 0; at < KESTREL_EXCLUDED_MAX; at++) {
    if (at >= settings.excluded)
      break;
    if (bpf_current_task_under_cgroup(&cgroups, KESTREL_CONFINING_CGROUP + 1 + at) == 1)
      return false;
  }
  struct bpf_pidns_info own = {};
  /* Fails in any other pid namespace, and there the current task is not the collector. */
  if (bpf_get_ns_current_pid_tgid(settings.own_namespace_device, settings.own_namespace_inode, &own, sizeof(own)) == 0)
    return own.tgid != settings.own_pid;
  return true;
}

static __always_inline void count(__u32 klass, bool dropped)
{
  struct kestrel_counters *here = bpf_map_lookup_elem(&counters, &klass);
  if (here == NULL)
    return;
  /* Atomic, because what preempts a program on this CPU may count too. */
  __sync_fetch_and_add(&here->made, 1);
  if (dropped)
    __sync_fetch_and_add(&here->dropped, 1);
}

/* A free room of this CPU, or NULL. */
static __always_inline struct room *take_room(void)
{
  __u32 first = bpf_get_smp_processor_id() * ROOMS_OF_CPU;
  __u32 second = first + 1;
  struct room *room = bpf_map_lookup_elem(&rooms, &first);
  if (room != NULL && __sync_val_compare_and_swap(&room->taken, 0, 1) == 0)
    return room;
  room = bpf_map_lookup_elem(&rooms, &second);
  if (room != NULL && __sync_val_compare_and_swap(&room->taken, 0, 1) == 0)
    return room;
  return NULL;
}

static __always_inline void leave_room(struct room *room)
{
  __sync_lock_test_and_set(&room->taken, 0);
}

#endif
