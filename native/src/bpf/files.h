/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a process did to a file → a record.
 *
 * An open leaves a file behind a descriptor, whose path, inode and mode are the kernel's own. Of a call that names a file there is the
 * name alone: it is taken as it was given, with the kernel's path of the directory that it is relative to, and the addon joins them. It
 * is read when the call has succeeded: the kernel has just read it, so that its page is there; at the call's beginning it need not be.
 */
#ifndef KESTREL_FILES_H
#define KESTREL_FILES_H

/* The kernel's, which are no types. */
#define FMODE_WRITE 0x2
#define FMODE_PATH 0x4000
#define FMODE_CREATED 0x100000
#define O_TMPFILE_ALONE 020000000
#define AT_FDCWD -100
#define AT_REMOVEDIR 0x200
#define AT_SYMLINK_NOFOLLOW 0x100
#define RENAME_EXCHANGE 2
#define MODE_KIND 0170000
#define MODE_CHARACTER 0020000
#define NULL_DEVICE ((1 << 20) | 3)

/* The open file behind a descriptor of this task, or NULL. What it points to is read with probes: its type is not the verifier's. */
static __always_inline struct file *file_of(struct task_struct *task, __u32 descriptor)
{
  struct fdtable *table = task->files->fdt;
  if (descriptor >= BPF_CORE_READ(table, max_fds))
    return NULL;
  struct file *file = NULL;
  bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + descriptor);
  return file;
}

static __always_inline void note_walk(struct kestrel_header *header, __u32 flags)
{
  if (flags & WALK_CUT)
    header->flags |= KESTREL_FLAG_PATH_CUT;
  if (flags & WALK_TORN)
    header->flags |= KESTREL_FLAG_PATH_TORN;
  if (flags & WALK_NAMELESS)
    header->flags |= KESTREL_FLAG_UNLINKED;
}

static __always_inline void fill_inode(struct kestrel_file *record, struct inode *inode)
{
  record->inode = BPF_CORE_READ(inode, i_ino);
  record->bytes = BPF_CORE_READ(inode, i_size);
  record->device = BPF_CORE_READ(inode, i_sb, s_dev);
  record->links = BPF_CORE_READ(inode, i_nlink);
  record->uid = BPF_CORE_READ(inode, i_uid.val);
  record->gid = BPF_CORE_READ(inode, i_gid.val);
  record->mode = BPF_CORE_READ(inode, i_mode);
  record->knows |= KESTREL_FILE_KNOWS_INODE;
}

static __always_inline struct kestrel_file *begin_file(struct room *room, __u32 klass, __u32 what, struct task_struct *task)
{
  struct kestrel_file *record = (struct kestrel_file *)room->record;
  fill_header(&record->header, klass, 0);
  fill_process(&record->process, task);
  record->inode = 0;
  record->bytes = 0;
  record->device = 0;
  record->links = 0;
  record->uid = 0;
  record->gid = 0;
  record->mode = 0;
  record->what = what;
  record->knows = 0;
  record->reserved = 0;
  record->path = record->base = record->original = record->original_base = TEXT(0, 0);
  return record;
}

static __always_inline void end_file(struct room *room, __u32 klass, __u32 size)
{
  struct kestrel_file *record = (struct kestrel_file *)room->record;
  record->header.size = size;
  bool dropped = true;
  if (size <= KESTREL_RECORD_MAX)
    dropped = bpf_ringbuf_output(&events, room->record, size, BPF_RB_NO_WAKEUP) != 0;
  leave_room(room);
  count(klass, dropped);
}

/* An open file, by the kernel's own path. */
static __noinline int report_open_file(struct file *file, __u32 klass, __u32 what)
{
  if (!is_wanted())
    return 0;
  struct room *room = take_room();
  if (room == NULL) {
    count(klass, true);
    return 0;
  }
  struct task_struct *task = bpf_get_current_task_btf();
  struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
  __u32 flags = 0;
  __u32 at = walk_path(room, dentry, BPF_CORE_READ(file, f_path.mnt), task->fs, &flags);
  if (!is_path_wanted(room, klass, at, flags)) {
    leave_room(room);
    return 0;
  }
  struct kestrel_file *record = begin_file(room, klass, what, task);
  fill_inode(record, BPF_CORE_READ(file, f_inode));
  __u32 begins = sizeof(*record);
  __u32 size = begins + put_path(room, begins, at);
  record->path = TEXT(begins, size);
  note_walk(&record->header, flags);
  if (BPF_CORE_READ(dentry, d_hash.pprev) == NULL)
    record->header.flags |= KESTREL_FLAG_UNLINKED;
  end_file(room, klass, size);
  return 0;
}

/* What became of an open: a new file, one to be written, or one to be read. `by_call`: it is a system call that was seen. */
static __always_inline void report_open(struct file *file, bool by_call)
{
  __u32 mode = BPF_CORE_READ(file, f_mode);
  bool nameless = (BPF_CORE_READ(file, f_flags) & O_TMPFILE_ALONE) != 0;
  enum kestrel_class klass;
  if (nameless || (mode & FMODE_CREATED))
    klass = KESTREL_CLASS_CREATE;
  else if (mode & FMODE_WRITE)
    klass = KESTREL_CLASS_MODIFY;
  else if (!(mode & FMODE_PATH))
    klass = KESTREL_CLASS_OPEN;
  else
    return;
  if (!is_class(klass) || is_call_class(klass) != by_call)
    return;
  /* What is written to /dev/null changes nothing, and shells open it with every other command. */
  struct inode *inode = BPF_CORE_READ(file, f_inode);
  if ((BPF_CORE_READ(inode, i_mode) & MODE_KIND) == MODE_CHARACTER && BPF_CORE_READ(inode, i_rdev) == NULL_DEVICE)
    return;
  report_open_file(file, klass, nameless ? KESTREL_FILE_NAMELESS : KESTREL_FILE_PLAIN);
}

/* A call that names a file, or two. */
struct given {
  __u64 path;
  __u64 original;
  __s32 directory;
  __s32 original_directory;
  __u32 klass;
  __u16 what;
  __u16 knows;
  __u16 mode;
  bool has_original;
};

/* Appends what a pointer of the process leads to. */
static __always_inline __u32 append_given(struct room *room, __u32 size, __u64 pointer)
{
  struct kestrel_file *record = (struct kestrel_file *)room->record;
  if (size > KESTREL_RECORD_MAX)
    return 0;
  long got = bpf_probe_read_user_str(&room->record[size], KESTREL_PATH_MAX, (void *)pointer);
  if (got <= 0) {
    record->header.flags |= KESTREL_FLAG_PATH_UNREAD;
    return 0;
  }
  return (got - 1) & (KESTREL_PATH_MAX - 1);
}

/* Appends the path of the directory that a given path at `begins` is relative to, when it is. */
static __always_inline __u32 append_base(struct room *room, __u32 begins, __u32 size, __s32 directory,
                                         struct task_struct *task)
{
  struct kestrel_file *record = (struct kestrel_file *)room->record;
  if (begins > KESTREL_RECORD_MAX || (size != begins && room->record[begins] == '/'))
    return 0;
  struct fs_struct *fs = task->fs;
  struct dentry *dentry = fs->pwd.dentry;
  struct vfsmount *mount = fs->pwd.mnt;
  if (directory != AT_FDCWD) {
    struct file *file = file_of(task, directory);
    if (file == NULL) {
      record->header.flags |= KESTREL_FLAG_PATH_UNREAD;
      return 0;
    }
    dentry = BPF_CORE_READ(file, f_path.dentry);
    mount = BPF_CORE_READ(file, f_path.mnt);
  }
  __u32 flags = 0;
  __u32 length = append_path(room, size, dentry, mount, fs, &flags);
  note_walk(&record->header, flags);
  return length;
}

static __noinline int report_given(struct given *given)
{
  if (!is_wanted())
    return 0;
  __u32 klass = given->klass;
  struct room *room = take_room();
  if (room == NULL) {
    count(klass, true);
    return 0;
  }
  struct task_struct *task = bpf_get_current_task_btf();
  struct kestrel_file *record = begin_file(room, klass, given->what, task);
  record->mode = given->mode;
  record->knows = given->knows | KESTREL_FILE_GIVEN;

  __u32 path = sizeof(*record);
  __u32 size = path + append_given(room, path, given->path);
  record->path = TEXT(path, size);
  __u32 begins = size;
  size += append_base(room, path, size, given->directory, task);
  record->base = TEXT(begins, size);
  if (given->has_original) {
    __u32 original = size;
    size += append_given(room, original, given->original);
    record->original = TEXT(original, size);
    if (given->knows & KESTREL_FILE_ORIGINAL_GIVEN) {
      begins = size;
      size += append_base(room, original, size, given->original_directory, task);
      record->original_base = TEXT(begins, size);
    }
  }
  end_file(room, klass, size);
  return 0;
}

/* Classes that come of calls which name files. */
#define GIVEN_CLASSES \
  (1ULL << KESTREL_CLASS_CREATE | 1ULL << KESTREL_CLASS_RENAME | 1ULL << KESTREL_CLASS_DELETE | 1ULL << KESTREL_CLASS_MODE)

static __always_inline void made(struct given *given, __s32 directory, __u64 path, __u16 what)
{
  given->klass = KESTREL_CLASS_CREATE;
  given->what = what;
  given->directory = directory;
  given->path = path;
}

static __always_inline void from(struct given *given, __s32 directory, __u64 original)
{
  given->has_original = true;
  given->knows |= KESTREL_FILE_ORIGINAL_GIVEN;
  given->original_directory = directory;
  given->original = original;
}

static __always_inline void made_symlink(struct given *given, __s32 directory, __u64 path, __u64 target)
{
  made(given, directory, path, KESTREL_FILE_SYMLINK);
  given->has_original = true;
  given->original = target;
}

static __always_inline void renamed(struct given *given, __s32 directory, __u64 path, bool exchanged)
{
  given->klass = KESTREL_CLASS_RENAME;
  given->what = exchanged ? KESTREL_FILE_EXCHANGE : KESTREL_FILE_PLAIN;
  given->directory = directory;
  given->path = path;
}

static __always_inline void deleted(struct given *given, __s32 directory, __u64 path, bool is_directory)
{
  given->klass = KESTREL_CLASS_DELETE;
  given->what = is_directory ? KESTREL_FILE_DIRECTORY : KESTREL_FILE_PLAIN;
  given->directory = directory;
  given->path = path;
}

static __always_inline void changed_mode(struct given *given, __s32 directory, __u64 path, __u32 mode)
{
  given->klass = KESTREL_CLASS_MODE;
  given->knows = KESTREL_FILE_KNOWS_PERMISSIONS | KESTREL_FILE_FOLLOWED;
  given->mode = mode & 07777;
  given->directory = directory;
  given->path = path;
}

#endif
