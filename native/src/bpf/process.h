/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A task → the process of a record. */
#ifndef KESTREL_PROCESS_H
#define KESTREL_PROCESS_H

/* The leader of the process group or session that `task` is in; NULL when it has gone. */
static __always_inline struct task_struct *leader_of(struct task_struct *task, enum pid_type type)
{
  struct pid *pid = BPF_CORE_READ(task, signal, pids[type]);
  struct hlist_node *first = BPF_CORE_READ(pid, tasks[PIDTYPE_TGID].first);
  if (first == NULL)
    return NULL;
  return (struct task_struct *)((void *)first - bpf_core_field_offset(struct task_struct, pid_links[PIDTYPE_TGID]));
}

static __always_inline __u32 number_of(struct task_struct *task, enum pid_type type)
{
  return BPF_CORE_READ(task, signal, pids[type], numbers[0].nr);
}

static __always_inline void fill_process(struct kestrel_process *process, struct task_struct *task)
{
  struct task_struct *main = BPF_CORE_READ(task, group_leader);
  struct task_struct *parent = BPF_CORE_READ(main, real_parent, group_leader);
  const struct cred *cred = BPF_CORE_READ(task, cred);
  process->start = BPF_CORE_READ(main, start_boottime);
  process->parent_start = BPF_CORE_READ(parent, start_boottime);
  process->pid = BPF_CORE_READ(task, tgid);
  process->tid = BPF_CORE_READ(task, pid);
  process->parent_pid = BPF_CORE_READ(parent, tgid);
  process->uid = BPF_CORE_READ(cred, uid.val);
  process->euid = BPF_CORE_READ(cred, euid.val);
  process->suid = BPF_CORE_READ(cred, suid.val);
  process->gid = BPF_CORE_READ(cred, gid.val);
  process->egid = BPF_CORE_READ(cred, egid.val);
  process->sgid = BPF_CORE_READ(cred, sgid.val);
  bpf_probe_read_kernel_str(process->comm, sizeof(process->comm), &main->comm);
  bpf_probe_read_kernel_str(process->parent_comm, sizeof(process->parent_comm), &parent->comm);

  process->group_leader_pid = number_of(task, PIDTYPE_PGID);
  process->session_leader_pid = number_of(task, PIDTYPE_SID);
  struct task_struct *leader = leader_of(task, PIDTYPE_PGID);
  process->group_leader_start = BPF_CORE_READ(leader, start_boottime);
  if (bpf_probe_read_kernel_str(process->group_leader_comm, KESTREL_COMM_MAX, &leader->comm) < 0)
    process->group_leader_comm[0] = 0;
  leader = leader_of(task, PIDTYPE_SID);
  process->session_leader_start = BPF_CORE_READ(leader, start_boottime);
  if (bpf_probe_read_kernel_str(process->session_leader_comm, KESTREL_COMM_MAX, &leader->comm) < 0)
    process->session_leader_comm[0] = 0;

  struct tty_struct *tty = BPF_CORE_READ(task, signal, tty);
  process->tty_major = 0;
  process->tty_minor = 0;
  if (tty != NULL) {
    process->tty_major = BPF_CORE_READ(tty, driver, major);
    process->tty_minor = BPF_CORE_READ(tty, driver, minor_start) + BPF_CORE_READ(tty, index);
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
