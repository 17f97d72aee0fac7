/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A task → the process of a record. */
#ifndef KESTREL_PROCESS_H
#define KESTREL_PROCESS_H

/* Fills in the leader of the process group or session whose pid this is. A leader that has gone leaves its number alone. */
static __always_inline void fill_leader(struct pid *pid, __u32 *number, __u64 *start, char *comm)
{
  *number = BPF_CORE_READ(pid, numbers[0].nr);
  *start = 0;
  comm[0] = 0;
  struct hlist_node *first = BPF_CORE_READ(pid, tasks[PIDTYPE_TGID].first);
  if (first == NULL)
    return;
  unsigned long member = bpf_core_field_offset(struct task_struct, pid_links[PIDTYPE_TGID]);
  struct task_struct *leader = (struct task_struct *)((void *)first - member);
  *start = BPF_CORE_READ(leader, start_boottime);
  bpf_probe_read_kernel_str(comm, KESTREL_COMM_MAX, &leader->comm);
}

/*
 * `task` has to be a pointer that the verifier knows the type of. What it leads to is then loaded like any memory, which costs a
 * tenth of a call of bpf_probe_read_kernel and gives 0 behind a pointer that leads nowhere.
 */
static __always_inline void fill_process(struct kestrel_process *process, struct task_struct *task)
{
  struct task_struct *main = task->group_leader;
  struct task_struct *parent = main->real_parent->group_leader;
  const struct cred *cred = task->cred;
  process->start = main->start_boottime;
  process->parent_start = parent->start_boottime;
  process->pid = task->tgid;
  process->tid = task->pid;
  process->parent_pid = parent->tgid;
  process->uid = cred->uid.val;
  process->euid = cred->euid.val;
  process->suid = cred->suid.val;
  process->gid = cred->gid.val;
  process->egid = cred->egid.val;
  process->sgid = cred->sgid.val;
  bpf_probe_read_kernel_str(process->comm, sizeof(process->comm), &main->comm);
  bpf_probe_read_kernel_str(process->parent_comm, sizeof(process->parent_comm), &parent->comm);

  struct signal_struct *signal = task->signal;
  fill_leader(signal->pids[PIDTYPE_PGID], &process->group_leader_pid, &process->group_leader_start,
              process->group_leader_comm);
  fill_leader(signal->pids[PIDTYPE_SID], &process->session_leader_pid, &process->session_leader_start,
              process->session_leader_comm);

  struct tty_struct *tty = signal->tty;
  process->tty_major = 0;
  process->tty_minor = 0;
  if (tty != NULL) {
    process->tty_major = tty->driver->major;
    process->tty_minor = tty->driver->minor_start + tty->index;
  }
}

static __always_inline void fill_header(struct kestrel_header *header, enum kestrel_class klass, __u32 size)
{
  header->size = size;
  header->klass = klass;
  header->flags = 0;
  header->monotonic = bpf_ktime_get_ns();
  header->boottime = bpf_ktime_get_boot_ns();
  header->cgroup = bpf_get_current_cgroup_id();
  header->cpu = bpf_get_smp_processor_id();
  header->reserved = 0;
}

#endif
