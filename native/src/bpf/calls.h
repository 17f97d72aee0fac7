/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The number of a system call → what the programs here call it, and its arguments.
 *
 * Programs on sys_enter and sys_exit run at every system call of the machine, so the first thing that they do is one look into a
 * table, which ends nearly all of them. A 32-bit call has other numbers and other registers: a number stands in the table with
 * both meanings, and which one it has is looked at only when it has any.
 */
#ifndef KESTREL_CALLS_H
#define KESTREL_CALLS_H

/*
 * The classes that on_sys_enter and on_sys_exit make. The loader sets it when everything is attached: what a kernel lets us see in a
 * better way must not be reported twice because another class needs the system calls.
 */
SEC(".data.calls") volatile __u64 call_classes = 0;

/* Whether the programs on system calls make events of a class. */
static __always_inline bool is_call_class(enum kestrel_class klass)
{
  return is_class(klass) && (call_classes & (1ULL << klass)) != 0;
}

enum call {
  CALL_OTHER = 0,
  CALL_OPEN,
  CALL_MKDIR,
  CALL_MKDIRAT,
  CALL_MKNOD,
  CALL_MKNODAT,
  CALL_SYMLINK,
  CALL_SYMLINKAT,
  CALL_LINK,
  CALL_LINKAT,
  CALL_RENAME,
  CALL_RENAMEAT,
  CALL_RENAMEAT2,
  CALL_UNLINK,
  CALL_UNLINKAT,
  CALL_RMDIR,
  CALL_CHMOD,
  CALL_FCHMOD,
  CALL_FCHMODAT,
  CALL_FCHMODAT2,
  CALL_CREDENTIAL,
  CALL_SETSID,
  CALL_PTRACE,
  CALL_MEMFD,
  CALL_MMAP,
  CALL_MPROTECT,
};

#define CALL_NUMBERS 512

/* Of a number its meaning for 64-bit processes, and times 256 that for 32-bit ones. */
#define LONG(call) (call)
#define SHORT(call) ((call) << 8)

/* clang-format off */
#if defined(__TARGET_ARCH_x86)
static const __u16 calls[CALL_NUMBERS] = {
    [2] = LONG(CALL_OPEN), [5] = SHORT(CALL_OPEN), [8] = SHORT(CALL_OPEN),
    [9] = LONG(CALL_MMAP) | SHORT(CALL_LINK),
    [10] = LONG(CALL_MPROTECT) | SHORT(CALL_UNLINK),
    [14] = SHORT(CALL_MKNOD), [15] = SHORT(CALL_CHMOD),
    [23] = SHORT(CALL_CREDENTIAL), [26] = SHORT(CALL_PTRACE),
    [38] = SHORT(CALL_RENAME), [39] = SHORT(CALL_MKDIR), [40] = SHORT(CALL_RMDIR),
    [46] = SHORT(CALL_CREDENTIAL), [66] = SHORT(CALL_SETSID),
    [70] = SHORT(CALL_CREDENTIAL), [71] = SHORT(CALL_CREDENTIAL),
    [82] = LONG(CALL_RENAME), [83] = LONG(CALL_MKDIR) | SHORT(CALL_SYMLINK),
    [84] = LONG(CALL_RMDIR), [85] = LONG(CALL_OPEN), [86] = LONG(CALL_LINK), [87] = LONG(CALL_UNLINK),
    [88] = LONG(CALL_SYMLINK), [90] = LONG(CALL_CHMOD), [91] = LONG(CALL_FCHMOD), [94] = SHORT(CALL_FCHMOD),
    [101] = LONG(CALL_PTRACE), [105] = LONG(CALL_CREDENTIAL), [106] = LONG(CALL_CREDENTIAL),
    [112] = LONG(CALL_SETSID), [113] = LONG(CALL_CREDENTIAL), [114] = LONG(CALL_CREDENTIAL),
    [117] = LONG(CALL_CREDENTIAL), [119] = LONG(CALL_CREDENTIAL), [125] = SHORT(CALL_MPROTECT),
    [133] = LONG(CALL_MKNOD), [164] = SHORT(CALL_CREDENTIAL), [170] = SHORT(CALL_CREDENTIAL),
    [192] = SHORT(CALL_MMAP), [203] = SHORT(CALL_CREDENTIAL), [204] = SHORT(CALL_CREDENTIAL),
    [208] = SHORT(CALL_CREDENTIAL), [210] = SHORT(CALL_CREDENTIAL),
    [213] = SHORT(CALL_CREDENTIAL), [214] = SHORT(CALL_CREDENTIAL),
    [257] = LONG(CALL_OPEN), [258] = LONG(CALL_MKDIRAT), [259] = LONG(CALL_MKNODAT),
    [263] = LONG(CALL_UNLINKAT), [264] = LONG(CALL_RENAMEAT), [265] = LONG(CALL_LINKAT),
    [266] = LONG(CALL_SYMLINKAT), [268] = LONG(CALL_FCHMODAT),
    [295] = SHORT(CALL_OPEN), [296] = SHORT(CALL_MKDIRAT), [297] = SHORT(CALL_MKNODAT),
    [301] = SHORT(CALL_UNLINKAT), [302] = SHORT(CALL_RENAMEAT), [303] = SHORT(CALL_LINKAT),
    [304] = LONG(CALL_OPEN) | SHORT(CALL_SYMLINKAT), [306] = SHORT(CALL_FCHMODAT),
    [316] = LONG(CALL_RENAMEAT2), [319] = LONG(CALL_MEMFD), [329] = LONG(CALL_MPROTECT),
    [342] = SHORT(CALL_OPEN), [353] = SHORT(CALL_RENAMEAT2), [356] = SHORT(CALL_MEMFD),
    [380] = SHORT(CALL_MPROTECT),
    [437] = LONG(CALL_OPEN) | SHORT(CALL_OPEN), [452] = LONG(CALL_FCHMODAT2) | SHORT(CALL_FCHMODAT2),
};
#elif defined(__TARGET_ARCH_arm64)
/* 32-bit calls are those of another table, which is not here. */
static const __u16 calls[CALL_NUMBERS] = {
    [33] = LONG(CALL_MKNODAT), [34] = LONG(CALL_MKDIRAT), [35] = LONG(CALL_UNLINKAT), [36] = LONG(CALL_SYMLINKAT),
    [37] = LONG(CALL_LINKAT), [38] = LONG(CALL_RENAMEAT), [52] = LONG(CALL_FCHMOD), [53] = LONG(CALL_FCHMODAT),
    [56] = LONG(CALL_OPEN), [117] = LONG(CALL_PTRACE), [143] = LONG(CALL_CREDENTIAL), [144] = LONG(CALL_CREDENTIAL),
    [145] = LONG(CALL_CREDENTIAL), [146] = LONG(CALL_CREDENTIAL), [147] = LONG(CALL_CREDENTIAL),
    [149] = LONG(CALL_CREDENTIAL), [157] = LONG(CALL_SETSID), [222] = LONG(CALL_MMAP), [226] = LONG(CALL_MPROTECT),
    [265] = LONG(CALL_OPEN), [276] = LONG(CALL_RENAMEAT2), [279] = LONG(CALL_MEMFD), [288] = LONG(CALL_MPROTECT),
    [437] = LONG(CALL_OPEN), [452] = LONG(CALL_FCHMODAT2),
};
#endif
/* clang-format on */

struct call_arguments {
  __u64 first;
  __u64 second;
  __u64 third;
  __u64 fourth;
  __u64 fifth;
};

#if defined(__TARGET_ARCH_x86)
/* The kernel's: the task is in a call that was made as one of 32 bits. */
#define TS_COMPAT 0x0002

static __always_inline bool is_short_call(void)
{
  return (bpf_get_current_task_btf()->thread_info.status & TS_COMPAT) != 0;
}

static __always_inline long number_of(struct pt_regs *regs)
{
  return regs->orig_ax;
}

static __always_inline struct call_arguments arguments_of(struct pt_regs *regs, bool is_short)
{
  if (is_short)
    return (struct call_arguments){(__u32)regs->bx, (__u32)regs->cx, (__u32)regs->dx, (__u32)regs->si,
                                   (__u32)regs->di};
  return (struct call_arguments){regs->di, regs->si, regs->dx, regs->r10, regs->r8};
}
#elif defined(__TARGET_ARCH_arm64)
/* The kernel's: a process of 32 bits. */
#define TIF_32BIT 22

static __always_inline bool is_short_call(void)
{
  return (bpf_get_current_task_btf()->thread_info.flags & (1UL << TIF_32BIT)) != 0;
}

static __always_inline long number_of(struct pt_regs *regs)
{
  return regs->syscallno;
}

static __always_inline struct call_arguments arguments_of(struct pt_regs *regs, bool is_short)
{
  return (struct call_arguments){regs->orig_x0, regs->regs[1], regs->regs[2], regs->regs[3],
                                 regs->regs[4]};
}
#endif

/* The call of a number. */
static __always_inline enum call call_of(long number, bool *is_short)
{
  if ((unsigned long)number >= CALL_NUMBERS)
    return CALL_OTHER;
  __u16 entry = calls[number & (CALL_NUMBERS - 1)];
  if (entry == 0)
    return CALL_OTHER;
  *is_short = is_short_call();
  return *is_short ? entry >> 8 : entry & 0xff;
}

#endif
