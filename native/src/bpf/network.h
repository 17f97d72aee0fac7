/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What processes do with sockets of TCP and UDP → records.
 *
 * Programs of cgroups (connect, bind, sockops, DNS) run for the sockets of the cgroup that they are attached to, which is the one that
 * collection is confined to, or the first of all. Programs on tracepoints run for every socket and ask is_wanted().
 *
 * A connection ends where no process runs, or another one: so who began it is kept from then on, in the storage of the socket where
 * a program has the socket as the verifier wants it, else in a table that forgets what was used least.
 */
#ifndef KESTREL_NETWORK_H
#define KESTREL_NETWORK_H

/* The kernel's, which are no types and so not in vmlinux.h. */
#define AF_INET 2
#define AF_INET6 10
#define S_IFMT 00170000
#define S_IFSOCK 0140000
#define TS_COMPAT 0x0002
#define IP_OFFSET 0x1fff

#define DNS_PORT 53

/* Numbers of system calls are those of the machine that the programs are compiled for. */
#if defined(__TARGET_ARCH_x86)
#define NUMBER_OF_ACCEPT 43
#define NUMBER_OF_ACCEPT4 288
#define SYSCALL_OF(regs) ((regs)->orig_ax)
/* Programs of 32 bits number their system calls otherwise. */
#define IS_COMPAT(task) (((task)->thread_info.status & TS_COMPAT) != 0)
#else
#define NUMBER_OF_ACCEPT 202
#define NUMBER_OF_ACCEPT4 242
#define SYSCALL_OF(regs) ((regs)->syscallno)
#define IS_COMPAT(task) false
#endif

/* What became of a connect. */
enum attempt {
  NO_ATTEMPT = 0,
  /* An event has yet to tell of it: it is told when the socket has its port, or failed to get that far. */
  ATTEMPT_PENDING = 1,
  ATTEMPT_TOLD = 2,
};

/* Who uses a socket for what. */
struct owner {
  struct kestrel_process process;
  __u64 cgroup;
  struct kestrel_ends ends;
  __u64 attempt;
};

/* Who began to connect, and who asked for a name. It lives as long as the socket does. */
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct owner);
} owners SEC(".maps");

/* Who accepted, by the address of the socket. An entry goes when its socket closes; of more connections the oldest are forgotten. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 16384);
  __type(key, __u64);
  __type(value, struct owner);
} accepted SEC(".maps");

/* Cgroups that are looked at from one upwards. */
#define CGROUPS_ABOVE 64

struct cgroup_walk {
  struct cgroup *cgroup;
  bool is_excluded;
};

static long step_to_parent(__u32 index, struct cgroup_walk *walk)
{
  struct cgroup *cgroup = walk->cgroup;
  __u64 id = BPF_CORE_READ(cgroup, kn, id);
  for (__u32 at = 0; at < KESTREL_EXCLUDED_MAX; at++) {
    if (at < settings.excluded && settings.excluded_ids[at] == id)
      walk->is_excluded = true;
  }
  struct cgroup_subsys_state *parent = BPF_CORE_READ(cgroup, self.parent);
  if (walk->is_excluded || parent == NULL)
    return 1;
  walk->cgroup = container_of(parent, struct cgroup, self);
  return 0;
}

/* Whether a task is in a cgroup that is left out, where bpf_current_task_under_cgroup is not given. */
static __always_inline bool is_excluded(struct task_struct *task)
{
  if (settings.excluded == 0)
    return false;
  struct cgroup_walk walk = {.cgroup = task->cgroups->dfl_cgrp};
  bpf_loop(CGROUPS_ABOVE, step_to_parent, &walk, 0);
  return walk.is_excluded;
}

/*
 * Whether what `task` does is reported, in a program that is attached to a cgroup. bpf_get_ns_current_pid_tgid is not given to those
 * before 6.10, so the pid is looked up where that helper does.
 */
static __always_inline bool is_reported(struct task_struct *task)
{
  if ((task->flags & PF_KTHREAD) || is_excluded(task))
    return false;
  struct pid *pid = BPF_CORE_READ(task, signal, pids[PIDTYPE_TGID]);
  __u32 level = BPF_CORE_READ(pid, level);
  struct upid own = {};
  bpf_probe_read_kernel(&own, sizeof(own), &pid->numbers[level]);
  return own.nr != settings.own_pid || BPF_CORE_READ(own.ns, ns.inum) != settings.own_namespace_inode;
}

static __always_inline void fill_owner(struct owner *owner, struct task_struct *task)
{
  fill_process(&owner->process, task);
  owner->cgroup = task->cgroups->dfl_cgrp->kn->id;
}

static __always_inline void fill_header_of(struct kestrel_header *header, enum kestrel_class klass, __u32 size,
                                           const struct owner *owner)
{
  header->size = size;
  header->klass = klass;
  header->flags = 0;
  header->monotonic = bpf_ktime_get_ns();
  header->boottime = bpf_ktime_get_boot_ns();
  header->cgroup = owner->cgroup;
  header->cpu = bpf_get_smp_processor_id();
  header->reserved = 0;
}

static __always_inline void tell(enum kestrel_class klass, const struct owner *owner)
{
  struct kestrel_network *record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);
  count(klass, record == NULL);
  if (record == NULL)
    return;
  fill_header_of(&record->header, klass, sizeof(*record), owner);
  record->process = owner->process;
  record->ends = owner->ends;
  bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

static __always_inline void put_ip4(__u8 *address, __u32 value)
{
  __u32 *words = (__u32 *)address;
  words[0] = value;
  words[1] = words[2] = words[3] = 0;
}

static __always_inline void put_ip6(__u8 *address, __u32 first, __u32 second, __u32 third, __u32 fourth)
{
  __u32 *words = (__u32 *)address;
  words[0] = first;
  words[1] = second;
  words[2] = third;
  words[3] = fourth;
}

/* A member of a context. The verifier wants each load at an offset of its own, and compilers like to make one load of two branches. */
#define OF(context, member) (*(volatile __typeof__((context)->member) *)&(context)->member)

/* The own end of a socket, as programs of sockops are told it. */
static __always_inline void put_local(struct kestrel_ends *ends, struct bpf_sock_ops *context)
{
  if (context->family == AF_INET) {
    ends->version = 4;
    put_ip4(ends->local, OF(context, local_ip4));
  } else {
    ends->version = 6;
    put_ip6(ends->local, OF(context, local_ip6[0]), OF(context, local_ip6[1]), OF(context, local_ip6[2]),
            OF(context, local_ip6[3]));
  }
  ends->local_port = context->local_port;
}

/* The ends of a socket of TCP, or false when it is none. `sk` may be a pointer of any origin. */
static __always_inline bool put_ends(struct kestrel_ends *ends, const struct sock *sk)
{
  __u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
  __u16 protocol = BPF_CORE_READ(sk, sk_protocol);
  if (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP)
    return false;
  if (family == AF_INET) {
    ends->version = 4;
    put_ip4(ends->local, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
    put_ip4(ends->remote, BPF_CORE_READ(sk, __sk_common.skc_daddr));
  } else if (family == AF_INET6) {
    ends->version = 6;
    BPF_CORE_READ_INTO(&ends->local, sk, __sk_common.skc_v6_rcv_saddr);
    BPF_CORE_READ_INTO(&ends->remote, sk, __sk_common.skc_v6_daddr);
  } else {
    return false;
  }
  ends->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
  ends->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
  ends->protocol = IPPROTO_TCP;
  return true;
}

/* --- connect --- */

/*
 * Of TCP the attempt is only noted: the socket gets its port later in the same call, where on_tcp_connect tells of it. Where it does not
 * come so far, as without a route, it is told when the socket is closed or tries again.
 */
static __always_inline void begin_connect(struct bpf_sock_addr *context, const struct kestrel_ends *ends)
{
  struct task_struct *task = bpf_get_current_task_btf();
  if (!is_reported(task))
    return;
  if (ends->protocol == IPPROTO_UDP) {
    /* Nothing can be sent to port 0: getaddrinfo connects to it to learn its own address. */
    if (!is_class(KESTREL_CLASS_CONNECT) || ends->remote_port == 0)
      return;
    struct owner owner = {.ends = *ends};
    fill_owner(&owner, task);
    tell(KESTREL_CLASS_CONNECT, &owner);
    return;
  }
  struct bpf_sock *sk = context->sk;
  if (sk == NULL)
    return;
  struct owner *owner = bpf_sk_storage_get(&owners, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
  if (owner == NULL) {
    if (is_class(KESTREL_CLASS_CONNECT))
      count(KESTREL_CLASS_CONNECT, true);
    return;
  }
  if (is_class(KESTREL_CLASS_CONNECT) && owner->attempt == ATTEMPT_PENDING)
    tell(KESTREL_CLASS_CONNECT, owner);
  owner->ends = *ends;
  fill_owner(owner, task);
  owner->attempt = ATTEMPT_PENDING;
}

static __always_inline bool is_followed(__u32 protocol)
{
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

SEC("cgroup/connect4")
int on_connect4(struct bpf_sock_addr *context)
{
  struct kestrel_ends ends = {.version = 4};
  __u32 protocol = context->protocol;
  if (!is_followed(protocol))
    return 1;
  ends.protocol = protocol;
  put_ip4(ends.remote, context->user_ip4);
  ends.remote_port = bpf_ntohs(context->user_port);
  begin_connect(context, &ends);
  return 1;
}

SEC("cgroup/connect6")
int on_connect6(struct bpf_sock_addr *context)
{
  struct kestrel_ends ends = {.version = 6};
  __u32 protocol = context->protocol;
  if (!is_followed(protocol) || context->user_family != AF_INET6)
    return 1;
  ends.protocol = protocol;
  put_ip6(ends.remote, context->user_ip6[0], context->user_ip6[1], context->user_ip6[2], context->user_ip6[3]);
  ends.remote_port = bpf_ntohs(context->user_port);
  begin_connect(context, &ends);
  return 1;
}

/* Runs before the first packet is sent, for every connect of TCP that gets so far, in the process that connects. */
SEC("sockops")
int on_tcp_connect(struct bpf_sock_ops *context)
{
  if (context->op != BPF_SOCK_OPS_TCP_CONNECT_CB)
    return 1;
  struct bpf_sock *sk = context->sk;
  if (sk == NULL)
    return 1;
  /* Without an owner it is the kernel's or the collector's own, or a part of a connection by MPTCP. */
  struct owner *owner = bpf_sk_storage_get(&owners, sk, NULL, 0);
  if (owner == NULL || owner->attempt != ATTEMPT_PENDING)
    return 1;
  put_local(&owner->ends, context);
  if (owner->ends.version == 4) {
    put_ip4(owner->ends.remote, OF(context, remote_ip4));
  } else {
    put_ip6(owner->ends.remote, OF(context, remote_ip6[0]), OF(context, remote_ip6[1]), OF(context, remote_ip6[2]),
            OF(context, remote_ip6[3]));
  }
  owner->ends.remote_port = bpf_ntohl(context->remote_port);
  owner->attempt = ATTEMPT_TOLD;
  if (is_class(KESTREL_CLASS_CONNECT))
    tell(KESTREL_CLASS_CONNECT, owner);
  return 1;
}

SEC("cgroup/sock_release")
int on_release(struct bpf_sock *context)
{
  struct owner *owner = bpf_sk_storage_get(&owners, context, NULL, 0);
  if (owner != NULL && owner->attempt == ATTEMPT_PENDING) {
    owner->attempt = ATTEMPT_TOLD;
    tell(KESTREL_CLASS_CONNECT, owner);
  }
  return 1;
}

/* Where programs cannot be attached to a cgroup. The socket has no port of its own yet. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_syn_sent, const struct sock *sk, int old_state, int new_state)
{
  if (new_state != BPF_TCP_SYN_SENT)
    return 0;
  struct owner *told = bpf_sk_storage_get(&owners, (struct sock *)sk, NULL, 0);
  /* Programs on connect are there for the sake of disconnect, and tell of it. */
  if (told != NULL && told->attempt == ATTEMPT_PENDING)
    return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  struct owner owner = {};
  if ((task->flags & PF_KTHREAD) || !is_wanted() || !put_ends(&owner.ends, sk))
    return 0;
  owner.ends.local_port = 0;
  fill_owner(&owner, task);
  tell(KESTREL_CLASS_CONNECT, &owner);
  return 0;
}

/* --- accept --- */

static __always_inline void end_accept(struct sock *sk, struct task_struct *task)
{
  struct owner owner = {};
  if (!put_ends(&owner.ends, sk))
    return;
  owner.ends.incoming = 1;
  fill_owner(&owner, task);
  if (is_class(KESTREL_CLASS_ACCEPT))
    tell(KESTREL_CLASS_ACCEPT, &owner);
  /* What the peer has closed already is told of no more. */
  if (is_class(KESTREL_CLASS_DISCONNECT) && BPF_CORE_READ(sk, __sk_common.skc_state) != BPF_TCP_CLOSE) {
    __u64 key = (__u64)sk;
    bpf_map_update_elem(&accepted, &key, &owner, BPF_ANY);
  }
}

/* Its parameters differ from kernel to kernel, what it returns does not. */
SEC("fexit/inet_csk_accept")
int on_accepted(__u64 *context)
{
  __u64 sk = 0;
  struct task_struct *task = bpf_get_current_task_btf();
  if (bpf_get_func_ret(context, &sk) == 0 && sk != 0 && !(task->flags & PF_KTHREAD) && is_wanted())
    end_accept((struct sock *)sk, task);
  return 0;
}

/* The socket that a descriptor of `task` is, or NULL. */
static __always_inline struct sock *sock_of(struct task_struct *task, __u32 descriptor)
{
  struct file **files = BPF_CORE_READ(task, files, fdt, fd);
  struct file *file = NULL;
  bpf_probe_read_kernel(&file, sizeof(file), &files[descriptor]);
  if (file == NULL || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
    return NULL;
  struct socket *socket = BPF_CORE_READ(file, private_data);
  return BPF_CORE_READ(socket, sk);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_accept_exit, struct pt_regs *regs, long result)
{
  __u64 number = SYSCALL_OF(regs);
  if ((number != NUMBER_OF_ACCEPT && number != NUMBER_OF_ACCEPT4) || result < 0)
    return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  if (IS_COMPAT(task) || !is_wanted())
    return 0;
  struct sock *sk = sock_of(task, result);
  if (sk != NULL)
    end_accept(sk, task);
  return 0;
}

/* --- disconnect --- */

static __always_inline void end_connection(const struct sock *sk, int old_state, int new_state)
{
  if (new_state != BPF_TCP_CLOSE)
    return;
  bool was_open = old_state != BPF_TCP_SYN_SENT && old_state != BPF_TCP_SYN_RECV && old_state != BPF_TCP_LISTEN &&
                  old_state != BPF_TCP_CLOSE;
  struct owner *owner = bpf_sk_storage_get(&owners, (struct sock *)sk, NULL, 0);
  if (owner != NULL && owner->attempt == ATTEMPT_TOLD) {
    owner->attempt = NO_ATTEMPT;
    if (was_open)
      tell(KESTREL_CLASS_DISCONNECT, owner);
    return;
  }
  __u64 key = (__u64)sk;
  owner = bpf_map_lookup_elem(&accepted, &key);
  if (owner == NULL)
    return;
  /* A socket that closed before its accept ended has left an entry, and its address may be another's by now. */
  if (was_open && owner->ends.remote_port == bpf_ntohs(sk->__sk_common.skc_dport))
    tell(KESTREL_CLASS_DISCONNECT, owner);
  bpf_map_delete_elem(&accepted, &key);
}

/* Twice, because a way to collect a class is named after a program of its own: with on_accepted, and with on_accept_exit. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_disconnect, const struct sock *sk, int old_state, int new_state)
{
  end_connection(sk, old_state, new_state);
  return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_disconnect_by_exits, const struct sock *sk, int old_state, int new_state)
{
  end_connection(sk, old_state, new_state);
  return 0;
}

/* --- bind and listen --- */

static __always_inline void tell_current(enum kestrel_class klass, const struct kestrel_ends *ends)
{
  struct task_struct *task = bpf_get_current_task_btf();
  if (!is_reported(task))
    return;
  struct owner owner = {.ends = *ends};
  fill_owner(&owner, task);
  tell(klass, &owner);
}

/* After the port was chosen, if none was asked for; a bind that fails does not come here. */
SEC("cgroup/post_bind4")
int on_bind4(struct bpf_sock *context)
{
  struct kestrel_ends ends = {.version = 4};
  __u32 protocol = context->protocol;
  if (!is_followed(protocol))
    return 1;
  ends.protocol = protocol;
  put_ip4(ends.local, context->src_ip4);
  ends.local_port = context->src_port;
  tell_current(KESTREL_CLASS_BIND, &ends);
  return 1;
}

SEC("cgroup/post_bind6")
int on_bind6(struct bpf_sock *context)
{
  struct kestrel_ends ends = {.version = 6};
  __u32 protocol = context->protocol;
  if (!is_followed(protocol))
    return 1;
  ends.protocol = protocol;
  put_ip6(ends.local, context->src_ip6[0], context->src_ip6[1], context->src_ip6[2], context->src_ip6[3]);
  ends.local_port = context->src_port;
  tell_current(KESTREL_CLASS_BIND, &ends);
  return 1;
}

SEC("sockops")
int on_listen(struct bpf_sock_ops *context)
{
  if (context->op != BPF_SOCK_OPS_TCP_LISTEN_CB)
    return 1;
  struct kestrel_ends ends = {.protocol = IPPROTO_TCP};
  put_local(&ends, context);
  tell_current(KESTREL_CLASS_LISTEN, &ends);
  return 1;
}

/* Where programs cannot be attached to a cgroup. A socket that was not bound has no port yet. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_listen_state, const struct sock *sk, int old_state, int new_state)
{
  if (new_state != BPF_TCP_LISTEN)
    return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  struct owner owner = {};
  if ((task->flags & PF_KTHREAD) || !is_wanted() || !put_ends(&owner.ends, sk))
    return 0;
  put_ip4(owner.ends.remote, 0);
  owner.ends.remote_port = 0;
  fill_owner(&owner, task);
  tell(KESTREL_CLASS_LISTEN, &owner);
  return 0;
}

/* --- DNS --- */

/* A datagram of UDP, and what it holds. */
struct datagram {
  struct kestrel_ends ends;
  __u32 at;
  __u32 size;
};

/* Reads the headers of a packet; false when it is no whole datagram of UDP. */
static __always_inline bool read_datagram(struct __sk_buff *packet, bool incoming, struct datagram *datagram)
{
  __u8 first = 0;
  __u32 at;
  struct kestrel_ends *ends = &datagram->ends;
  __u8 *from = incoming ? ends->remote : ends->local;
  __u8 *to = incoming ? ends->local : ends->remote;
  if (bpf_skb_load_bytes(packet, 0, &first, 1) != 0)
    return false;
  if (first >> 4 == 4) {
    struct iphdr ip;
    if (bpf_skb_load_bytes(packet, 0, &ip, sizeof(ip)) != 0)
      return false;
    if (ip.protocol != IPPROTO_UDP || (ip.frag_off & bpf_htons(IP_OFFSET)) != 0)
      return false;
    at = (first & 15) * 4;
    ends->version = 4;
    put_ip4(from, ip.saddr);
    put_ip4(to, ip.daddr);
  } else {
    struct ipv6hdr ip;
    if (bpf_skb_load_bytes(packet, 0, &ip, sizeof(ip)) != 0 || ip.nexthdr != IPPROTO_UDP)
      return false;
    at = sizeof(ip);
    ends->version = 6;
    __builtin_memcpy(from, &ip.saddr, sizeof(ip.saddr));
    __builtin_memcpy(to, &ip.daddr, sizeof(ip.daddr));
  }
  struct udphdr udp;
  if (bpf_skb_load_bytes(packet, at, &udp, sizeof(udp)) != 0)
    return false;
  ends->protocol = IPPROTO_UDP;
  ends->local_port = bpf_ntohs(incoming ? udp.dest : udp.source);
  ends->remote_port = bpf_ntohs(incoming ? udp.source : udp.dest);
  datagram->at = at + sizeof(udp);
  __u32 length = packet->len;
  if (length <= datagram->at)
    return false;
  datagram->size = length - datagram->at;
  return true;
}

static __always_inline void tell_dns(struct __sk_buff *packet, const struct datagram *datagram, const struct owner *owner)
{
  struct room *room = take_room();
  if (room == NULL) {
    count(KESTREL_CLASS_DNS, true);
    return;
  }
  struct kestrel_dns *dns = (struct kestrel_dns *)room->record;
  fill_header_of(&dns->header, KESTREL_CLASS_DNS, 0, owner);
  dns->process = owner->process;
  dns->ends = datagram->ends;
  __u32 size = datagram->size;
  dns->packet_size = size;
  if (size > KESTREL_PACKET_MAX) {
    size = KESTREL_PACKET_MAX;
    dns->header.flags |= KESTREL_FLAG_PACKET_CUT;
  }
  bool dropped = true;
  asm volatile("" : "+r"(size));
  /* It is one of 1 to KESTREL_PACKET_MAX already; verifiers before 6.4 believe a mask, and no comparison in 32 bits. */
  size = ((size - 1) & (KESTREL_PACKET_MAX - 1)) + 1;
  if (bpf_skb_load_bytes(packet, datagram->at, room->record + sizeof(*dns), size) == 0) {
    dns->packet = TEXT(sizeof(*dns), sizeof(*dns) + size);
    dns->header.size = sizeof(*dns) + size;
    dropped = bpf_ringbuf_output(&events, room->record, sizeof(*dns) + size, BPF_RB_NO_WAKEUP) != 0;
  }
  leave_room(room);
  count(KESTREL_CLASS_DNS, dropped);
}

SEC("cgroup_skb/egress")
int on_query(struct __sk_buff *packet)
{
  struct datagram datagram = {};
  struct bpf_sock *sk = packet->sk;
  if (sk == NULL || !read_datagram(packet, false, &datagram) || datagram.ends.remote_port != DNS_PORT)
    return 1;
  sk = bpf_sk_fullsock(sk);
  if (sk == NULL)
    return 1;
  struct task_struct *task = bpf_get_current_task_btf();
  if (!is_reported(task))
    return 1;
  struct owner *owner = bpf_sk_storage_get(&owners, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
  if (owner == NULL) {
    count(KESTREL_CLASS_DNS, true);
    return 1;
  }
  fill_owner(owner, task);
  tell_dns(packet, &datagram, owner);
  return 1;
}

/* No process runs here, or any: the answer is for the one that asked last through this socket. */
SEC("cgroup_skb/ingress")
int on_answer(struct __sk_buff *packet)
{
  struct datagram datagram = {};
  struct bpf_sock *sk = packet->sk;
  if (sk == NULL || !read_datagram(packet, true, &datagram) || datagram.ends.remote_port != DNS_PORT)
    return 1;
  sk = bpf_sk_fullsock(sk);
  if (sk == NULL)
    return 1;
  struct owner *owner = bpf_sk_storage_get(&owners, sk, NULL, 0);
  if (owner == NULL)
    return 1;
  datagram.ends.answer = 1;
  tell_dns(packet, &datagram, owner);
  return 1;
}

#endif
