/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What processes do → records in the ring.
 *
 * Programs here load or fail one by one: the addon loads those that the kernel takes and says what became of the others. All wakes
 * are left to the addon's timer (BPF_RB_NO_WAKEUP), since a wake for each event costs a process start a fifth of its time.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "../record.h"

#include "ring.h"

#include "path.h"
#include "prefixes.h"
#include "process.h"

#include "found.h"

/* Helpers that read the kernel's memory are given to programs under a licence that goes with the GPL only. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The kernel's, which are no types and so not in vmlinux.h. */
#define SIGNAL_GROUP_EXIT 0x00000004
#define PF_KTHREAD 0x00200000

#define TEXT(begins, ends) ((struct kestrel_text){.offset = (begins), .length = (ends) - (begins)})

#include "network.h"

/* The arguments as the kernel has just laid them down: nothing but the new program could have changed them, and it has not run. */
static __always_inline __u32 append_args(struct room *room, __u32 size, struct task_struct *task)
{
  struct kestrel_exec *exec = &room->exec;
  unsigned long start = task->mm->arg_start;
  unsigned long end = task->mm->arg_end;
  __u64 length = end - start;
  exec->args_size = length > 0xffffffff ? 0xffffffff : length;
  if (length > KESTREL_ARGS_MAX) {
    length = KESTREL_ARGS_MAX;
    exec->header.flags |= KESTREL_FLAG_ARGS_CUT;
  }
  if (size > KESTREL_RECORD_MAX)
    return 0;
  __u32 bounded = length;
  asm volatile("" : "+r"(bounded));
  if (bounded > KESTREL_ARGS_MAX)
    return 0;
  if (bpf_probe_read_user(&room->record[size], bounded, (void *)start) != 0) {
    exec->header.flags |= KESTREL_FLAG_ARGS_UNREAD;
    return 0;
  }
  return bounded;
}

static __always_inline __u32 append_environment(struct room *room, __u32 size, struct task_struct *task)
{
  unsigned long start = task->mm->env_start;
  unsigned long end = task->mm->env_end;
  __u64 length = end - start;
  if (length > KESTREL_ENVIRONMENT_MAX) {
    length = KESTREL_ENVIRONMENT_MAX;
    room->exec.header.flags |= KESTREL_FLAG_ENVIRONMENT_CUT;
  }
  if (size > KESTREL_RECORD_MAX)
    return 0;
  __u32 bounded = length;
  asm volatile("" : "+r"(bounded));
  if (bounded > KESTREL_ENVIRONMENT_MAX)
    return 0;
  if (bpf_probe_read_user(&room->record[size], bounded, (void *)start) != 0) {
    room->exec.header.flags |= KESTREL_FLAG_ENVIRONMENT_CUT;
    return 0;
  }
  return bounded;
}

static __always_inline __u32 append_filename(struct room *room, __u32 size, const char *filename)
{
  if (size > KESTREL_RECORD_MAX)
    return 0;
  long got = bpf_probe_read_kernel_str(&room->record[size], KESTREL_PATH_MAX, filename);
  if (got <= 0)
    return 0;
  if (got == KESTREL_PATH_MAX)
    room->exec.header.flags |= KESTREL_FLAG_FILENAME_CUT;
  return (got - 1) & (KESTREL_PATH_MAX - 1);
}

static __always_inline __u32 make_exec(struct room *room, struct task_struct *task, struct linux_binprm *bprm)
{
  struct kestrel_exec *exec = &room->exec;
  fill_header(&exec->header, KESTREL_CLASS_EXEC, 0);
  fill_process(&exec->process, task);

  struct file *file = task->mm->exe_file;
  struct inode *inode = file->f_inode;
  exec->inode = inode->i_ino;
  exec->device = inode->i_sb->s_dev;
  exec->links = inode->i_nlink;
  exec->mode = inode->i_mode;
  exec->argc = bprm->argc;
  exec->reserved = 0;
  const struct cred *cred = task->cred;
  /* Two numbers of 32 bits before 6.3, one of 64 since: the same bytes. */
  bpf_core_read(&exec->cap_effective, sizeof(exec->cap_effective), &cred->cap_effective);
  bpf_core_read(&exec->cap_permitted, sizeof(exec->cap_permitted), &cred->cap_permitted);

  __u32 size = sizeof(*exec);
  __u32 begins = size;
  __u32 flags = 0;
  struct fs_struct *fs = task->fs;
  struct dentry *dentry = file->f_path.dentry;
  size += append_path(room, size, dentry, file->f_path.mnt, fs, &flags);
  exec->executable = TEXT(begins, size);
  if (flags & WALK_CUT)
    exec->header.flags |= KESTREL_FLAG_EXECUTABLE_CUT;
  if (flags & WALK_TORN)
    exec->header.flags |= KESTREL_FLAG_PATH_TORN;
  /* A dentry that is in no hash chain has been unlinked. */
  if ((flags & WALK_NAMELESS) || dentry->d_hash.pprev == NULL)
    exec->header.flags |= KESTREL_FLAG_UNLINKED;

  begins = size;
  flags = 0;
  size += append_path(room, size, fs->pwd.dentry, fs->pwd.mnt, fs, &flags);
  exec->directory = TEXT(begins, size);
  if (flags & WALK_CUT)
    exec->header.flags |= KESTREL_FLAG_DIRECTORY_CUT;
  if (flags & WALK_TORN)
    exec->header.flags |= KESTREL_FLAG_PATH_TORN;

  begins = size;
  const char *filename = bprm->filename;
  if (filename != bprm->interp)
    exec->header.flags |= KESTREL_FLAG_SCRIPT;
  size += append_filename(room, size, filename);
  exec->filename = TEXT(begins, size);

  begins = size;
  size += append_args(room, size, task);
  exec->args = TEXT(begins, size);

  begins = size;
  if (settings.environment)
    size += append_environment(room, size, task);
  exec->environment = TEXT(begins, size);
  exec->header.size = size;
  return size;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
  if (!is_wanted())
    return 0;
  struct room *room = take_room();
  if (room == NULL) {
    count(KESTREL_CLASS_EXEC, true);
    return 0;
  }
  __u32 size = make_exec(room, task, bprm);
  bool dropped = true;
  if (size <= KESTREL_RECORD_MAX)
    dropped = bpf_ringbuf_output(&events, room->record, size, BPF_RB_NO_WAKEUP) != 0;
  leave_room(room);
  count(KESTREL_CLASS_EXEC, dropped);
  return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
  /* A thread is no process, and what the kernel starts for itself runs no program. */
  if (child->pid != child->tgid || (child->flags & PF_KTHREAD) || !is_wanted())
    return 0;
  struct kestrel_fork *fork = bpf_ringbuf_reserve(&events, sizeof(*fork), 0);
  count(KESTREL_CLASS_FORK, fork == NULL);
  if (fork == NULL)
    return 0;
  fill_header(&fork->header, KESTREL_CLASS_FORK, sizeof(*fork));
  fill_process(&fork->process, child);
  bpf_ringbuf_submit(fork, BPF_RB_NO_WAKEUP);
  return 0;
}

static __always_inline void make_exit(struct task_struct *task)
{
  struct kestrel_exit *exit = bpf_ringbuf_reserve(&events, sizeof(*exit), 0);
  count(KESTREL_CLASS_EXIT, exit == NULL);
  if (exit == NULL)
    return;
  fill_header(&exit->header, KESTREL_CLASS_EXIT, sizeof(*exit));
  fill_process(&exit->process, task);
  /* The status of a process is what ended all its threads at once, else the one of its first thread. */
  struct signal_struct *signal = task->signal;
  __u32 status = signal->group_exit_code;
  if (!(signal->flags & SIGNAL_GROUP_EXIT))
    status = task->group_leader->exit_code;
  exit->status = status;
  exit->reserved = 0;
  bpf_ringbuf_submit(exit, BPF_RB_NO_WAKEUP);
}

/* Kernels from 6.16 on say whether the thread was the last of its process. On older ones this does not load. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task, bool group_dead)
{
  if (group_dead && !(task->flags & PF_KTHREAD) && is_wanted())
    make_exit(task);
  return 0;
}

/* Processes of which an exit was seen: the last two threads of one may both find that none lives. */
struct exited {
  __u32 pid;
  __u32 reserved;
  __u64 start;
};
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 8192);
  __type(key, struct exited);
  __type(value, __u8);
} exits SEC(".maps");

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit_counted, struct task_struct *task)
{
  if (task->signal->live.counter != 0 || (task->flags & PF_KTHREAD) || !is_wanted())
    return 0;
  struct exited key = {.pid = task->tgid, .start = task->group_leader->start_boottime};
  __u8 seen = 1;
  if (bpf_map_update_elem(&exits, &key, &seen, BPF_NOEXIST) != 0)
    return 0;
  make_exit(task);
  return 0;
}

#include "calls.h"

#include "actions.h"
#include "files.h"

#include "syscalls.h"

#include "trampolines.h"
