/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A dentry and its mount → the path by which the process itself would find it, as bytes.
 *
 * bpf_d_path is not allowed on these hooks, so the tree is walked upwards, name by name, and the path is written from its end.
 * The walk goes over mount points, ends at the root of the process (a container's own), and at most PATH_NAMES names far.
 */
#ifndef KESTREL_PATH_H
#define KESTREL_PATH_H

/* Names that are followed. A loop of so many steps is too much for the verifier; a callback of bpf_loop is verified once. */
#define PATH_NAMES 2048

struct path_walk {
  struct room *room;
  struct dentry *dentry;
  struct vfsmount *mount;
  struct dentry *root_dentry;
  struct vfsmount *root_mount;
  /* Where the path written so far begins in room->path. */
  __u32 at;
  __u32 flags;
};

#define PATH_END (NAME_MAX_BYTES + KESTREL_PATH_MAX)
#define PATH_MASK (2 * KESTREL_PATH_MAX - 1)

#define WALK_DONE 1
#define WALK_CUT 2
#define WALK_TORN 4
#define WALK_NAMELESS 8

/* Puts '/' and a name of `length` bytes in front of what is written. */
static __always_inline void put_name(struct path_walk *walk, const unsigned char *name, __u32 length)
{
  struct room *room = walk->room;
  if (length == 0 || length >= NAME_MAX_BYTES || walk->at <= NAME_MAX_BYTES + length + 1) {
    walk->flags |= WALK_CUT | WALK_DONE;
    return;
  }
  /* Masks rather than comparisons: verifiers before 6.4 lose a bound that was compared in 32 bits after a subtraction. */
  __u32 behind = walk->at & PATH_MASK;
  __u32 at = (walk->at - length) & PATH_MASK;
  __u32 front = (walk->at - length - 1) & PATH_MASK;
  /* The closing NUL of what is read would fall on the '/' that stands behind: that is written again. */
  __u8 kept = room->path[behind];
  long got = bpf_probe_read_kernel_str(&room->path[at], (length & (NAME_MAX_BYTES - 1)) + 1, name);
  room->path[behind] = kept;
  if (got != length + 1)
    walk->flags |= WALK_TORN;
  room->path[front] = '/';
  walk->at = front;
}

static long step_up(__u32 index, struct path_walk *walk)
{
  struct dentry *dentry = walk->dentry;
  struct vfsmount *mount = walk->mount;
  if (dentry == walk->root_dentry && mount == walk->root_mount) {
    walk->flags |= WALK_DONE;
    return 1;
  }
  struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
  struct dentry *mount_root = BPF_CORE_READ(mount, mnt_root);
  if (dentry == mount_root || dentry == parent) {
    struct mount *here = container_of(mount, struct mount, mnt);
    struct mount *above = BPF_CORE_READ(here, mnt_parent);
    if (here == above || dentry != mount_root) {
      /* The top of all mounts; or of a tree that is mounted nowhere, as a memfd's, whose dentry has a name of its own. */
      walk->flags |= WALK_DONE;
      if (index == 0) {
        walk->flags |= WALK_NAMELESS;
        put_name(walk, BPF_CORE_READ(dentry, d_name.name), BPF_CORE_READ(dentry, d_name.len));
      }
      return 1;
    }
    walk->dentry = BPF_CORE_READ(here, mnt_mountpoint);
    walk->mount = &above->mnt;
    return 0;
  }
  put_name(walk, BPF_CORE_READ(dentry, d_name.name), BPF_CORE_READ(dentry, d_name.len));
  walk->dentry = parent;
  return (walk->flags & WALK_DONE) != 0;
}

/*
 * The path of `dentry` on `mount`, as a process with this root sees it, then stands in room->path from what is returned up to PATH_END.
 * What became of the walk is left in *flags.
 */
static __always_inline __u32 walk_path(struct room *room, struct dentry *dentry, struct vfsmount *mount, struct fs_struct *fs,
                                       __u32 *flags)
{
  struct path_walk walk = {
      .room = room,
      .dentry = dentry,
      .mount = mount,
      .root_dentry = fs->root.dentry,
      .root_mount = fs->root.mnt,
      .at = PATH_END,
  };
  bpf_loop(PATH_NAMES, step_up, &walk, 0);
  if ((walk.flags & WALK_DONE) == 0)
    walk.flags |= WALK_CUT;
  if (walk.at == PATH_END) {
    room->path[PATH_END - 1] = '/';
    walk.at = PATH_END - 1;
  }
  *flags = walk.flags;
  return walk.at;
}

/* Appends the path that begins at room->path[at] to the record at `size`, and returns its length. */
static __always_inline __u32 put_path(struct room *room, __u32 size, __u32 at)
{
  if (at < NAME_MAX_BYTES || at >= PATH_END)
    return 0;
  __u32 length = (PATH_END - at) & (2 * KESTREL_PATH_MAX - 1);
  asm volatile("" : "+r"(length));
  if (size > KESTREL_RECORD_MAX || length > KESTREL_PATH_MAX)
    return 0;
  /* Where it is, with a bound that verifiers before 6.4 keep; so has the length, which is compared as it was masked. */
  __u32 from = NAME_MAX_BYTES + ((at - NAME_MAX_BYTES) & (KESTREL_PATH_MAX - 1));
  if (bpf_probe_read_kernel(&room->record[size], length, &room->path[from]) != 0)
    return 0;
  return length;
}

/* Both in one. */
static __always_inline __u32 append_path(struct room *room, __u32 size, struct dentry *dentry, struct vfsmount *mount,
                                         struct fs_struct *fs, __u32 *flags)
{
  return put_path(room, size, walk_path(room, dentry, mount, fs, flags));
}

#endif
