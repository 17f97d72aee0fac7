/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The processes that are there → one kestrel_found each, which the addon reads before it reads the ring. */
#ifndef KESTREL_FOUND_H
#define KESTREL_FOUND_H

/* The kernel nests no more pid namespaces. */
#define MOST_NAMESPACES 32

SEC("iter/task")
int find_processes(struct bpf_iter__task *iterator)
{
  struct task_struct *task = iterator->task;
  if (task == NULL || task->pid != task->tgid)
    return 0;
  struct kestrel_found found = {};
  fill_process(&found.process, task);
  found.cgroup = task->cgroups->dfl_cgrp->kn->id;
  found.ended = task->signal->live.counter == 0;
  /* Who reads is the current task, and its pids are counted as deep as its namespace is nested. Read and not loaded, since verifiers
   * before 6.4 add nothing to a pointer that they know the type of. */
  struct task_struct *reader = bpf_get_current_task_btf();
  __u64 depth = BPF_CORE_READ(reader, thread_pid, level) & (MOST_NAMESPACES - 1);
  void *number = (void *)BPF_CORE_READ(task, thread_pid) + bpf_core_field_offset(struct pid, numbers) +
                 depth * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct upid, nr);
  bpf_probe_read_kernel(&found.proc_pid, sizeof(found.proc_pid), number);
  bpf_seq_write(iterator->meta->seq, &found, sizeof(found));
  return 0;
}

#endif
