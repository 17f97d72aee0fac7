/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a process did to itself, to its memory, to another process or to the kernel → a record. */
#ifndef KESTREL_ACTIONS_H
#define KESTREL_ACTIONS_H

/* The kernel's, which are no types. */
#define PTRACE_POKETEXT 4
#define PTRACE_POKEDATA 5
#define PTRACE_POKEUSR 6
#define PTRACE_SETREGS 13
#define PTRACE_ATTACH 16
#define PTRACE_SETREGSET 0x4205
#define PTRACE_SEIZE 0x4206
#define PROT_EXEC 4
#define MAP_ANONYMOUS 0x20
#define SI_USER 0
#define SI_QUEUE -1
#define SI_TKILL -6
#define SIGNAL_IGNORED 1
#define SIGNAL_NOT_SENT 3

/* The ids of a task when it entered a call that may change them. */
struct ids {
  __u32 uid;
  __u32 euid;
  __u32 suid;
  __u32 gid;
  __u32 egid;
  __u32 sgid;
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 8192);
  __type(key, __u64);
  __type(value, struct ids);
} ids_before SEC(".maps");

static __always_inline struct ids ids_of(const struct cred *cred)
{
  return (struct ids){cred->uid.val, cred->euid.val, cred->suid.val, cred->gid.val, cred->egid.val, cred->sgid.val};
}

static __always_inline void keep_ids(void)
{
  __u64 key = bpf_get_current_pid_tgid();
  struct ids ids = ids_of(bpf_get_current_task_btf()->cred);
  bpf_map_update_elem(&ids_before, &key, &ids, BPF_ANY);
}

static __always_inline bool is_same(const struct ids *one, const struct ids *other)
{
  return one->uid == other->uid && one->euid == other->euid && one->suid == other->suid && one->gid == other->gid &&
         one->egid == other->egid && one->sgid == other->sgid;
}

static __always_inline void report_change(struct task_struct *task, const struct ids *before, const struct ids *now)
{
  if (is_same(before, now) || !is_wanted())
    return;
  struct kestrel_credential *record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);
  count(KESTREL_CLASS_CREDENTIAL, record == NULL);
  if (record == NULL)
    return;
  fill_header(&record->header, KESTREL_CLASS_CREDENTIAL, sizeof(*record));
  fill_process(&record->process, task);
  record->process.uid = now->uid;
  record->process.euid = now->euid;
  record->process.suid = now->suid;
  record->process.gid = now->gid;
  record->process.egid = now->egid;
  record->process.sgid = now->sgid;
  record->uid_before = before->uid;
  record->euid_before = before->euid;
  record->suid_before = before->suid;
  record->gid_before = before->gid;
  record->egid_before = before->egid;
  record->sgid_before = before->sgid;
  bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

/* The call has ended: what it changed is reported. A call that was under way when collection began is not known. */
static __noinline int report_ids(bool succeeded)
{
  __u64 key = bpf_get_current_pid_tgid();
  struct ids *found = bpf_map_lookup_elem(&ids_before, &key);
  if (found == NULL)
    return 0;
  struct ids before = *found;
  bpf_map_delete_elem(&ids_before, &key);
  if (!succeeded)
    return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  struct ids now = ids_of(task->cred);
  report_change(task, &before, &now);
  return 0;
}

static __noinline int report_session(void)
{
  if (!is_wanted())
    return 0;
  struct kestrel_session *record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);
  count(KESTREL_CLASS_SESSION, record == NULL);
  if (record == NULL)
    return 0;
  fill_header(&record->header, KESTREL_CLASS_SESSION, sizeof(*record));
  fill_process(&record->process, bpf_get_current_task_btf());
  bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
  return 0;
}

static __noinline int report_memfd(__u64 name, __u32 flags)
{
  if (!is_wanted())
    return 0;
  struct kestrel_memfd *record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);
  count(KESTREL_CLASS_MEMFD, record == NULL);
  if (record == NULL)
    return 0;
  fill_header(&record->header, KESTREL_CLASS_MEMFD, sizeof(*record));
  fill_process(&record->process, bpf_get_current_task_btf());
  record->memfd_flags = flags;
  record->reserved = 0;
  if (bpf_probe_read_user_str(record->name, sizeof(record->name), (void *)name) <= 0) {
    record->name[0] = 0;
    record->header.flags |= KESTREL_FLAG_PATH_UNREAD;
  }
  bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
  return 0;
}

static __always_inline void fill_target(struct kestrel_target *target, struct task_struct *task)
{
  struct task_struct *main = BPF_CORE_READ(task, group_leader);
  target->start = BPF_CORE_READ(main, start_boottime);
  target->pid = BPF_CORE_READ(task, tgid);
  target->uid = BPF_CORE_READ(task, cred, uid.val);
  bpf_probe_read_kernel_str(target->comm, sizeof(target->comm), &main->comm);
}

/* Threads of a tracer are looked for so far among those that it traces; who was attached last stands first. */
#define TRACED_LOOKED_AT 64

/* The thread that the current task traces and calls `number`, or NULL. */
static __always_inline struct task_struct *traced_of(struct task_struct *task, __u32 number)
{
  __u32 level = task->thread_pid->level;
  struct list_head *head = &task->ptraced;
  struct list_head *entry = task->ptraced.next;
  for (int at = 0; at < TRACED_LOOKED_AT && entry != head && entry != NULL; at++) {
    struct task_struct *traced =
        (struct task_struct *)((void *)entry - bpf_core_field_offset(struct task_struct, ptrace_entry));
    struct pid *pid = BPF_CORE_READ(traced, thread_pid);
    __u32 seen = 0;
    /* A tracer that is in a namespace calls what it traces by its number there. */
    bpf_probe_read_kernel(&seen, sizeof(seen), &pid->numbers[level & 31].nr);
    if (seen == number)
      return traced;
    entry = BPF_CORE_READ(entry, next);
  }
  return NULL;
}

static __noinline int report_ptrace(__u32 request, __u32 number)
{
  if (!is_wanted())
    return 0;
  struct kestrel_ptrace *record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);
  count(KESTREL_CLASS_PTRACE, record == NULL);
  if (record == NULL)
    return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  fill_header(&record->header, KESTREL_CLASS_PTRACE, sizeof(*record));
  fill_process(&record->process, task);
  record->request = request;
  record->reserved = 0;
  struct task_struct *traced = traced_of(task, number);
  if (traced != NULL) {
    fill_target(&record->target, traced);
  } else {
    record->target.start = 0;
    record->target.pid = number;
    record->target.uid = 0;
    record->target.comm[0] = 0;
  }
  bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
  return 0;
}

/* Requests that take another process over, or change its memory or registers. */
static __always_inline bool is_intrusive(__u64 request)
{
  return request == PTRACE_ATTACH || request == PTRACE_SEIZE || request == PTRACE_POKETEXT || request == PTRACE_POKEDATA ||
         request == PTRACE_POKEUSR || request == PTRACE_SETREGS || request == PTRACE_SETREGSET;
}

static __noinline int report_memory(__u64 address, __u64 bytes, __u32 protection, __u32 is_change, __u32 flags)
{
  if (!is_wanted())
    return 0;
  struct kestrel_mmap *record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);
  count(KESTREL_CLASS_MMAP, record == NULL);
  if (record == NULL)
    return 0;
  fill_header(&record->header, KESTREL_CLASS_MMAP, sizeof(*record));
  fill_process(&record->process, bpf_get_current_task_btf());
  record->header.flags = flags;
  record->address = address;
  record->bytes = bytes;
  record->protection = protection;
  record->is_change = is_change;
  bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
  return 0;
}

/* A process sent a signal to another: what the kernel sends of itself has another code, and no sender that did it. */
static __always_inline void report_signal(int signal, struct kernel_siginfo *info, struct task_struct *target, int result)
{
  /* Two small numbers stand for what has no siginfo; the first is sent by a process's own call too, within the kernel. */
  if ((unsigned long)info <= 1)
    return;
  int code = BPF_CORE_READ(info, si_code);
  if (code != SI_USER && code != SI_QUEUE && code != SI_TKILL)
    return;
  struct task_struct *task = bpf_get_current_task_btf();
  /* The C library sends itself signals to end its own threads. */
  if (target->tgid == task->tgid || result == SIGNAL_NOT_SENT || !is_wanted())
    return;
  struct kestrel_signal *record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);
  count(KESTREL_CLASS_SIGNAL, record == NULL);
  if (record == NULL)
    return;
  fill_header(&record->header, KESTREL_CLASS_SIGNAL, sizeof(*record));
  fill_process(&record->process, task);
  fill_target(&record->target, target);
  record->signal = signal;
  record->is_ignored = result == SIGNAL_IGNORED;
  bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

static long see_mapping(struct task_struct *task, struct vm_area_struct *area, bool *is_anonymous)
{
  *is_anonymous = area->vm_file == NULL;
  return 0;
}

/* mprotect gave memory the right to be executed: does its beginning or its end belong to no file? */
static __always_inline void report_protection(__u64 address, __u64 bytes, __u32 protection)
{
  struct task_struct *task = bpf_get_current_task_btf();
  bool first = false;
  bool last = false;
  long error = bpf_find_vma(task, address, see_mapping, &first, 0);
  if (error == 0 && !first && bytes > 1)
    error = bpf_find_vma(task, address + bytes - 1, see_mapping, &last, 0);
  if (error != 0)
    report_memory(address, bytes, protection, 1, KESTREL_FLAG_MAPPING_UNKNOWN);
  else if (first || last)
    report_memory(address, bytes, protection, 1, 0);
}

#endif
