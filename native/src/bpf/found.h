/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The processes that are there → one kestrel_found each, which the addon reads before it reads the ring. */
#ifndef KESTREL_FOUND_H
#define KESTREL_FOUND_H

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
  /* Who reads is the current task, and its pids are counted as deep as its namespace is nested. */
  struct task_struct *reader = bpf_get_current_task_btf();
  __u32 depth = reader->thread_pid->level;
  void *number = (void *)task->thread_pid + bpf_core_field_offset(struct pid, numbers) +
                 depth * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct upid, nr);
  bpf_probe_read_kernel(&found.proc_pid, sizeof(found.proc_pid), number);
  bpf_seq_write(iterator->meta->seq, &found, sizeof(found));
  return 0;
}

#endif
