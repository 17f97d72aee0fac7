/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Functions of the kernel that change files and ids → the records of files.h and actions.h, where the kernel lets programs hook them.
 *
 * Better than system calls: paths are those that the kernel found, whatever links led there; io_uring and calls of 32 bits go the same
 * way; and no other call of the machine is taxed. security_path_* knows the mount and not whether it will succeed, vfs_* knows that
 * and not the mount, so the first is remembered for the second.
 */
#ifndef KESTREL_TRAMPOLINES_H
#define KESTREL_TRAMPOLINES_H

#define OPENED_TO_EXECUTE 0x20

/* What a task is about to do to a name in a directory. */
struct remembered {
  __u64 dentry;
  __u64 mount;
  /* Of rename, the directory of the name as it was. */
  __u64 directory;
  __u64 inode;
  __u64 bytes;
  __u32 device;
  __u32 links;
  __u32 uid;
  __u32 gid;
  __u16 mode;
  __u16 exchanged;
  __u32 reserved;
  char name[NAME_MAX_BYTES];
};

struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct remembered);
} about_to SEC(".maps");

static __always_inline struct remembered *remember(const struct path *directory, struct dentry *dentry)
{
  struct remembered *about =
      bpf_task_storage_get(&about_to, bpf_get_current_task_btf(), NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
  if (about == NULL)
    return NULL;
  about->dentry = (__u64)dentry;
  about->mount = (__u64)directory->mnt;
  about->directory = (__u64)directory->dentry;
  return about;
}

/* What a file was, which nobody can see any more when it has been removed. */
static __always_inline void remember_inode(struct remembered *about, struct dentry *dentry)
{
  struct inode *inode = dentry->d_inode;
  about->inode = inode->i_ino;
  about->bytes = inode->i_size;
  about->device = inode->i_sb->s_dev;
  about->links = inode->i_nlink;
  about->uid = inode->i_uid.val;
  about->gid = inode->i_gid.val;
  about->mode = inode->i_mode;
}

/* What was remembered of this dentry. Of an overlay, what it does to the file systems below is of other dentries. */
static __always_inline struct remembered *recall(struct dentry *dentry, void *context)
{
  __u64 result = 0;
  bpf_get_func_ret(context, &result);
  struct remembered *about = bpf_task_storage_get(&about_to, bpf_get_current_task_btf(), NULL, 0);
  if (about == NULL || about->dentry != (__u64)dentry)
    return NULL;
  /* A function that gives an int leaves the upper half as it likes. One that gives a pointer gives no small negative number. */
  bool failed = (__s32)result < 0 && (__s32)result >= -ERROR_MOST;
  about->dentry = 0;
  return failed ? NULL : about;
}

static __noinline int report_path(struct dentry *dentry, __u32 klass, __u32 what, struct dentry *source, const char *target)
{
  struct task_struct *task = bpf_get_current_task_btf();
  struct remembered *about = bpf_task_storage_get(&about_to, task, NULL, 0);
  if (about == NULL || !is_wanted())
    return 0;
  struct room *room = take_room();
  if (room == NULL) {
    count(klass, true);
    return 0;
  }
  struct vfsmount *mount = (struct vfsmount *)about->mount;
  __u32 flags = 0;
  __u32 at = walk_path(room, dentry, mount, task->fs, &flags);
  if (!is_path_wanted(room, klass, at, flags)) {
    leave_room(room);
    return 0;
  }
  struct kestrel_file *record = begin_file(room, klass, what, task);
  __u32 path = sizeof(*record);
  __u32 size = path + put_path(room, path, at);
  record->path = TEXT(path, size);
  note_walk(&record->header, flags);
  struct inode *inode = BPF_CORE_READ(dentry, d_inode);
  if (klass == KESTREL_CLASS_DELETE) {
    record->inode = about->inode;
    record->bytes = about->bytes;
    record->device = about->device;
    record->links = about->links;
    record->uid = about->uid;
    record->gid = about->gid;
    record->mode = about->mode;
    record->knows = KESTREL_FILE_KNOWS_INODE;
  } else if (inode != NULL) {
    fill_inode(record, inode);
  }
  __u32 original = size;
  if (size <= KESTREL_RECORD_MAX && klass == KESTREL_CLASS_RENAME) {
    long got = bpf_probe_read_kernel_str(&room->record[size], NAME_MAX_BYTES, about->name);
    size += got > 0 ? (got - 1) & (NAME_MAX_BYTES - 1) : 0;
    record->original = TEXT(original, size);
    __u32 base = size;
    flags = 0;
    size += append_path(room, size, (struct dentry *)about->directory, mount, task->fs, &flags);
    note_walk(&record->header, flags);
    record->original_base = TEXT(base, size);
    record->knows |= KESTREL_FILE_ORIGINAL_GIVEN;
  } else if (size <= KESTREL_RECORD_MAX && what == KESTREL_FILE_SYMLINK) {
    long got = bpf_probe_read_kernel_str(&room->record[size], KESTREL_PATH_MAX, target);
    size += got > 0 ? (got - 1) & (KESTREL_PATH_MAX - 1) : 0;
    record->original = TEXT(original, size);
  } else if (what == KESTREL_FILE_HARD_LINK) {
    flags = 0;
    size += append_path(room, size, source, mount, task->fs, &flags);
    note_walk(&record->header, flags);
    record->original = TEXT(original, size);
  }
  end_file(room, klass, size);
  return 0;
}

SEC("fexit/do_filp_open")
int BPF_PROG(on_open_file, int directory, struct filename *name, const struct open_flags *how, struct file *file)
{
  if ((unsigned long)file >= (unsigned long)-ERROR_MOST || file == NULL)
    return 0;
  /* What the kernel opens to execute it is an exec, and what it opens for itself is no process's deed. */
  if ((BPF_CORE_READ(file, f_flags) & OPENED_TO_EXECUTE) || (bpf_get_current_task_btf()->flags & PF_KTHREAD))
    return 0;
  report_open(file, false);
  return 0;
}

SEC("fentry/security_path_mkdir")
int BPF_PROG(before_mkdir, const struct path *directory, struct dentry *dentry)
{
  remember(directory, dentry);
  return 0;
}

SEC("fexit/vfs_mkdir")
int BPF_PROG(on_mkdir, void *idmap, struct inode *directory, struct dentry *dentry)
{
  if (recall(dentry, ctx) != NULL)
    report_path(dentry, KESTREL_CLASS_CREATE, KESTREL_FILE_DIRECTORY, NULL, NULL);
  return 0;
}

SEC("fentry/security_path_mknod")
int BPF_PROG(before_mknod, const struct path *directory, struct dentry *dentry)
{
  remember(directory, dentry);
  return 0;
}

/* Pipes, devices, and sockets that are bound to a name. */
SEC("fexit/vfs_mknod")
int BPF_PROG(on_mknod, void *idmap, struct inode *directory, struct dentry *dentry)
{
  if (recall(dentry, ctx) != NULL)
    report_path(dentry, KESTREL_CLASS_CREATE, KESTREL_FILE_PLAIN, NULL, NULL);
  return 0;
}

/* What mknod does for a plain file. An open that makes one does not come here. */
SEC("fexit/vfs_create")
int BPF_PROG(on_mknod_plain, void *idmap, struct inode *directory, struct dentry *dentry)
{
  if (recall(dentry, ctx) != NULL)
    report_path(dentry, KESTREL_CLASS_CREATE, KESTREL_FILE_PLAIN, NULL, NULL);
  return 0;
}

SEC("fentry/security_path_symlink")
int BPF_PROG(before_symlink, const struct path *directory, struct dentry *dentry)
{
  remember(directory, dentry);
  return 0;
}

SEC("fexit/vfs_symlink")
int BPF_PROG(on_symlink, void *idmap, struct inode *directory, struct dentry *dentry, const char *target)
{
  if (recall(dentry, ctx) != NULL)
    report_path(dentry, KESTREL_CLASS_CREATE, KESTREL_FILE_SYMLINK, NULL, target);
  return 0;
}

SEC("fentry/security_path_link")
int BPF_PROG(before_link, struct dentry *source, const struct path *directory, struct dentry *dentry)
{
  remember(directory, dentry);
  return 0;
}

SEC("fexit/vfs_link")
int BPF_PROG(on_link, struct dentry *source, void *idmap, struct inode *directory, struct dentry *dentry)
{
  if (recall(dentry, ctx) != NULL)
    report_path(dentry, KESTREL_CLASS_CREATE, KESTREL_FILE_HARD_LINK, source, NULL);
  return 0;
}

SEC("fentry/security_path_rename")
int BPF_PROG(before_rename, const struct path *old_directory, struct dentry *old, const struct path *new_directory,
             struct dentry *new, unsigned int flags)
{
  struct remembered *about = remember(old_directory, old);
  if (about == NULL)
    return 0;
  about->exchanged = (flags & RENAME_EXCHANGE) != 0;
  bpf_probe_read_kernel_str(about->name, sizeof(about->name), old->d_name.name);
  return 0;
}

SEC("fexit/vfs_rename")
int BPF_PROG(on_rename, struct renamedata *data)
{
  struct dentry *dentry = data->old_dentry;
  struct remembered *about = recall(dentry, ctx);
  if (about != NULL)
    report_path(dentry, KESTREL_CLASS_RENAME, about->exchanged ? KESTREL_FILE_EXCHANGE : KESTREL_FILE_PLAIN, NULL, NULL);
  return 0;
}

SEC("fentry/security_path_unlink")
int BPF_PROG(before_unlink, const struct path *directory, struct dentry *dentry)
{
  struct remembered *about = remember(directory, dentry);
  if (about != NULL)
    remember_inode(about, dentry);
  return 0;
}

SEC("fexit/vfs_unlink")
int BPF_PROG(on_unlink, void *idmap, struct inode *directory, struct dentry *dentry)
{
  if (recall(dentry, ctx) != NULL)
    report_path(dentry, KESTREL_CLASS_DELETE, KESTREL_FILE_PLAIN, NULL, NULL);
  return 0;
}

SEC("fentry/security_path_rmdir")
int BPF_PROG(before_rmdir, const struct path *directory, struct dentry *dentry)
{
  struct remembered *about = remember(directory, dentry);
  if (about != NULL)
    remember_inode(about, dentry);
  return 0;
}

SEC("fexit/vfs_rmdir")
int BPF_PROG(on_rmdir, void *idmap, struct inode *directory, struct dentry *dentry)
{
  if (recall(dentry, ctx) != NULL)
    report_path(dentry, KESTREL_CLASS_DELETE, KESTREL_FILE_DIRECTORY, NULL, NULL);
  return 0;
}

SEC("fexit/chmod_common")
int BPF_PROG(on_chmod, const struct path *path, unsigned short mode, int result)
{
  if (result != 0 || !is_wanted())
    return 0;
  struct room *room = take_room();
  if (room == NULL) {
    count(KESTREL_CLASS_MODE, true);
    return 0;
  }
  struct task_struct *task = bpf_get_current_task_btf();
  __u32 flags = 0;
  __u32 at = walk_path(room, path->dentry, path->mnt, task->fs, &flags);
  if (!is_path_wanted(room, KESTREL_CLASS_MODE, at, flags)) {
    leave_room(room);
    return 0;
  }
  struct kestrel_file *record = begin_file(room, KESTREL_CLASS_MODE, KESTREL_FILE_PLAIN, task);
  fill_inode(record, path->dentry->d_inode);
  __u32 begins = sizeof(*record);
  __u32 size = begins + put_path(room, begins, at);
  record->path = TEXT(begins, size);
  note_walk(&record->header, flags);
  end_file(room, KESTREL_CLASS_MODE, size);
  return 0;
}

/* The ids of a call that may change them, as they were and as they will be. After this it fails only where memory is short. */
SEC("fexit/security_task_fix_setuid")
int BPF_PROG(on_fix_uid, struct cred *now, const struct cred *before, int flags, int result)
{
  if (result != 0)
    return 0;
  struct ids ids_now = ids_of(now);
  struct ids ids_then = ids_of(before);
  report_change(bpf_get_current_task_btf(), &ids_then, &ids_now);
  return 0;
}

SEC("fexit/security_task_fix_setgid")
int BPF_PROG(on_fix_gid, struct cred *now, const struct cred *before, int flags, int result)
{
  if (result != 0)
    return 0;
  struct ids ids_now = ids_of(now);
  struct ids ids_then = ids_of(before);
  report_change(bpf_get_current_task_btf(), &ids_then, &ids_now);
  return 0;
}

#endif
