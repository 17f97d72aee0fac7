/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * System calls that succeeded → records of files.h and actions.h.
 *
 * Nearly all is done when a call ends. Only where it has to be known what was before is there a program at the beginning, and it is
 * attached for no other class: on_sys_enter taxes each call of the machine as much as on_sys_exit.
 */
#ifndef KESTREL_SYSCALLS_H
#define KESTREL_SYSCALLS_H

/* Calls return a negative error down to this, and addresses may look negative too. */
#define ERROR_MOST 4095

SEC("tp_btf/sys_enter")
int BPF_PROG(on_sys_enter, struct pt_regs *regs, long number)
{
  bool is_short = false;
  if (call_of(number, &is_short) == CALL_CREDENTIAL)
    keep_ids();
  return 0;
}

/* What a call that names files did. */
static __always_inline void fill_given(struct given *given, enum call call, const struct call_arguments *with)
{
  switch (call) {
  case CALL_MKDIR:
    return made(given, AT_FDCWD, with->first, KESTREL_FILE_DIRECTORY);
  case CALL_MKDIRAT:
    return made(given, with->first, with->second, KESTREL_FILE_DIRECTORY);
  case CALL_MKNOD:
    return made(given, AT_FDCWD, with->first, KESTREL_FILE_PLAIN);
  case CALL_MKNODAT:
    return made(given, with->first, with->second, KESTREL_FILE_PLAIN);
  case CALL_SYMLINK:
    return made_symlink(given, AT_FDCWD, with->second, with->first);
  case CALL_SYMLINKAT:
    return made_symlink(given, with->second, with->third, with->first);
  case CALL_LINK:
    made(given, AT_FDCWD, with->second, KESTREL_FILE_HARD_LINK);
    return from(given, AT_FDCWD, with->first);
  case CALL_LINKAT:
    made(given, with->third, with->fourth, KESTREL_FILE_HARD_LINK);
    return from(given, with->first, with->second);
  case CALL_RENAME:
    renamed(given, AT_FDCWD, with->second, false);
    return from(given, AT_FDCWD, with->first);
  case CALL_RENAMEAT:
    renamed(given, with->third, with->fourth, false);
    return from(given, with->first, with->second);
  case CALL_RENAMEAT2:
    renamed(given, with->third, with->fourth, with->fifth & RENAME_EXCHANGE);
    return from(given, with->first, with->second);
  case CALL_UNLINK:
    return deleted(given, AT_FDCWD, with->first, false);
  case CALL_UNLINKAT:
    return deleted(given, with->first, with->second, with->third & AT_REMOVEDIR);
  case CALL_RMDIR:
    return deleted(given, AT_FDCWD, with->first, true);
  case CALL_CHMOD:
    return changed_mode(given, AT_FDCWD, with->first, with->second);
  case CALL_FCHMODAT:
    return changed_mode(given, with->first, with->second, with->third);
  case CALL_FCHMODAT2:
    changed_mode(given, with->first, with->second, with->third);
    if (with->fourth & AT_SYMLINK_NOFOLLOW)
      given->knows &= ~KESTREL_FILE_FOLLOWED;
    return;
  default:
    given->klass = KESTREL_CLASSES;
  }
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long result)
{
  bool is_short = false;
  enum call call = call_of(number_of(regs), &is_short);
  if (call == CALL_OTHER)
    return 0;
  bool succeeded = (unsigned long)result < (unsigned long)-ERROR_MOST;
  if (call == CALL_CREDENTIAL) {
    if (is_call_class(KESTREL_CLASS_CREDENTIAL))
      report_ids(succeeded);
    return 0;
  }
  if (!succeeded)
    return 0;
  struct call_arguments with = arguments_of(regs, is_short);
  switch (call) {
  case CALL_OPEN:
    /* Opens are one plan for three classes. */
    if (is_call_class(KESTREL_CLASS_CREATE) || is_call_class(KESTREL_CLASS_MODIFY) || is_call_class(KESTREL_CLASS_OPEN)) {
      struct file *file = file_of(bpf_get_current_task_btf(), result);
      if (file != NULL)
        report_open(file, true);
    }
    return 0;
  case CALL_FCHMOD:
    if (is_call_class(KESTREL_CLASS_MODE)) {
      struct file *file = file_of(bpf_get_current_task_btf(), with.first);
      if (file != NULL)
        report_open_file(file, KESTREL_CLASS_MODE, KESTREL_FILE_PLAIN);
    }
    return 0;
  case CALL_SETSID:
    if (is_class(KESTREL_CLASS_SESSION))
      report_session();
    return 0;
  case CALL_PTRACE:
    if (is_class(KESTREL_CLASS_PTRACE) && is_intrusive(with.first))
      report_ptrace(with.first, with.second);
    return 0;
  case CALL_MEMFD:
    if (is_class(KESTREL_CLASS_MEMFD))
      report_memfd(with.first, with.second);
    return 0;
  case CALL_MMAP:
    if (is_class(KESTREL_CLASS_MMAP) && (with.third & PROT_EXEC) && (with.fourth & MAP_ANONYMOUS))
      report_memory(result, with.second, with.third, 0, 0);
    return 0;
  case CALL_MPROTECT:
    if (is_class(KESTREL_CLASS_MMAP) && (with.third & PROT_EXEC) && with.second != 0)
      report_protection(with.first, with.second, with.third);
    return 0;
  default:
    break;
  }
  if ((settings.classes & GIVEN_CLASSES) == 0)
    return 0;
  struct given given = {};
  fill_given(&given, call, &with);
  if (given.klass < KESTREL_CLASSES && is_call_class(given.klass))
    report_given(&given);
  return 0;
}

SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int signal, struct kernel_siginfo *info, struct task_struct *target, int group, int result)
{
  report_signal(signal, info, target, result);
  return 0;
}

/* Kernels without modules have no such type, and nothing of this name to hook. */
struct module___kestrel {
  char name[56];
} __attribute__((preserve_access_index));

#if defined(__TARGET_ARCH_x86)
#define FINIT_MODULE 313
#define FINIT_MODULE_SHORT 350
#elif defined(__TARGET_ARCH_arm64)
#define FINIT_MODULE 273
#define FINIT_MODULE_SHORT 379
#endif

/* The kernel takes a module in, within the call that loads it: of finit_module the file stands behind the call's descriptor. */
SEC("tp_btf/module_load")
int BPF_PROG(on_module, struct module___kestrel *module)
{
  if (!is_wanted())
    return 0;
  struct room *room = take_room();
  if (room == NULL) {
    count(KESTREL_CLASS_MODULE, true);
    return 0;
  }
  struct task_struct *task = bpf_get_current_task_btf();
  struct kestrel_module *record = (struct kestrel_module *)room->record;
  fill_header(&record->header, KESTREL_CLASS_MODULE, 0);
  fill_process(&record->process, task);
  record->inode = 0;
  record->device = 0;
  record->reserved = 0;
  record->more_reserved = 0;
  BPF_CORE_READ_STR_INTO(&record->name, module, name);

  __u32 begins = sizeof(*record);
  __u32 size = begins;
  struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
  bool is_short = is_short_call();
  if (number_of(regs) == (is_short ? FINIT_MODULE_SHORT : FINIT_MODULE)) {
    struct file *file = file_of(task, arguments_of(regs, is_short).first);
    if (file != NULL) {
      record->inode = BPF_CORE_READ(file, f_inode, i_ino);
      record->device = BPF_CORE_READ(file, f_inode, i_sb, s_dev);
      __u32 flags = 0;
      size += append_path(room, size, BPF_CORE_READ(file, f_path.dentry), BPF_CORE_READ(file, f_path.mnt), task->fs, &flags);
      note_walk(&record->header, flags);
    }
  }
  record->path = TEXT(begins, size);
  end_file(room, KESTREL_CLASS_MODULE, size);
  return 0;
}

#endif
