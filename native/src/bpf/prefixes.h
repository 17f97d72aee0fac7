/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A path in a room → whether a rule could want it, so that others cost no record.
 *
 * The rule is that of runtime/src/ebpf/path-prefixes.ts, but for paths with a byte beyond ASCII and prefixes beyond KESTREL_PREFIX_MAX.
 * SOUND: what it lets not pass, passesPrefixes does not let pass.
 */
#ifndef KESTREL_PREFIXES_H
#define KESTREL_PREFIXES_H

/*
 * Of each prefix the classes that take it or one that it begins with: of several that a path begins with, a look finds only the longest.
 * The loader fills it and sets its size.
 */
struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1);
  __type(key, struct kestrel_prefix);
  __type(value, __u64);
} prefixes SEC(".maps");

#define EACH_BYTE(byte) (0x0101010101010101ULL * (byte))
#define PREFIX_WORDS (KESTREL_PREFIX_MAX / 8)

/* A kestrel_prefix whose bytes are at a multiple of 8. */
struct path_begin {
  __u32 unused;
  __u32 bits;
  __u64 words[PREFIX_WORDS];
};

/* Eight bytes of ASCII with letters in lower case. */
static __always_inline __u64 lower_word(__u64 word)
{
  /* No sum carries into the next byte: the bytes are below 0x80. */
  __u64 from_a = word + EACH_BYTE(0x80 - 'A');
  __u64 beyond_z = word + EACH_BYTE(0x80 - 'Z' - 1);
  return word | ((from_a & ~beyond_z & EACH_BYTE(0x80)) >> 2);
}

/* Whether events of a class are wanted of the path that walk_path has left at room->path[at]. One that is not whole passes. */
static __noinline bool is_path_wanted(struct room *room, __u32 klass, __u32 at, __u32 flags)
{
  __u64 class_bit = 1ULL << (klass & 63);
  if ((settings.filtered & class_bit) == 0 || (flags & (WALK_CUT | WALK_TORN)))
    return true;
  struct path_begin begin = {};
  __u32 length = (PATH_END - at) & PATH_MASK;
  begin.bits = (length < KESTREL_PREFIX_MAX ? length : KESTREL_PREFIX_MAX) * 8;
  /* Behind a path that is shorter there are zeros, or what was there before: it is not compared, and can only let the path pass. */
  if (bpf_probe_read_kernel(begin.words, sizeof(begin.words), &room->path[at & PATH_MASK]) != 0)
    return true;
  __u64 beyond_ascii = 0;
  for (int word = 0; word < PREFIX_WORDS; word++) {
    beyond_ascii |= begin.words[word] & EACH_BYTE(0x80);
    begin.words[word] = lower_word(begin.words[word]);
  }
  if (beyond_ascii != 0)
    return true;
  __u64 *classes = bpf_map_lookup_elem(&prefixes, &begin.bits);
  return classes != NULL && (*classes & class_bit) != 0;
}

#endif
