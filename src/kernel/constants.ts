/** Constants of the Linux headers, identical on x86-64 and arm64 (asm-generic). */

// Address families and types: socket(2).
export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10
export const AF_NETLINK = 16

export const SOCK_STREAM = 1
export const SOCK_DGRAM = 2
export const SOCK_NONBLOCK = 0o4000
export const SOCK_CLOEXEC = 0o2000000

// Options of any socket: socket(7), unix(7); SO_PASSRIGHTS since Linux 6.16.
export const SOL_SOCKET = 1
export const SO_REUSEADDR = 2
export const SO_TYPE = 3
export const SO_ERROR = 4
export const SO_SNDBUF = 7
export const SO_RCVLOWAT = 18
export const SO_RCVBUF = 8
export const SO_KEEPALIVE = 9
export const SO_OOBINLINE = 10
export const SO_LINGER = 13
export const SO_PEERCRED = 17
export const SO_BINDTODEVICE = 25
export const SO_ACCEPTCONN = 30
export const SO_MARK = 36
export const SO_PROTOCOL = 38
export const SO_DOMAIN = 39
export const SO_PEERGROUPS = 59
export const SO_PASSRIGHTS = 83

// Options of IP sockets: ip(7), ipv6(7); IP_LOCAL_PORT_RANGE since Linux 6.3.
export const IPPROTO_IP = 0
export const IP_TOS = 1
export const IP_PKTINFO = 8
export const IP_TRANSPARENT = 19
export const IP_BIND_ADDRESS_NO_PORT = 24
export const IP_LOCAL_PORT_RANGE = 51
export const IPPROTO_IPV6 = 41
export const IPV6_V6ONLY = 26
export const IPV6_RECVPKTINFO = 49
export const IPV6_PKTINFO = 50
export const IPV6_TCLASS = 67
export const IPV6_TRANSPARENT = 75

// tcp(7); TCP_FASTOPEN_CONNECT since Linux 4.11.
export const IPPROTO_TCP = 6
export const TCP_NODELAY = 1
export const TCP_KEEPIDLE = 4
export const TCP_KEEPINTVL = 5
export const TCP_KEEPCNT = 6
export const TCP_DEFER_ACCEPT = 9
export const TCP_QUICKACK = 12
export const TCP_CONGESTION = 13
export const TCP_USER_TIMEOUT = 18
/** linux/tcp.h; a socket in this mode is closed without a packet. Requires CAP_NET_ADMIN. */
export const TCP_REPAIR = 19
export const TCP_FASTOPEN = 23
export const TCP_FASTOPEN_CONNECT = 30

export const IPPROTO_UDP = 17

// linux/in.h and linux/mptcp.h; the number exceeds 8 bits, so it never appears in an IP header.
export const IPPROTO_MPTCP = 262
export const SOL_MPTCP = 284
export const MPTCP_INFO = 1

// shutdown(2), recv(2), send(2), and SIOCOUTQ of tcp(7).
export const SHUT_WR = 1
export const MSG_PEEK = 0x2
export const MSG_TRUNC = 0x20
export const MSG_DONTWAIT = 0x40
export const MSG_NOSIGNAL = 0x4000
export const MSG_MORE = 0x8000
export const SIOCOUTQ = 0x5411

// epoll_ctl(2), epoll_create1(2).
export const EPOLL_CTL_ADD = 1
export const EPOLL_CTL_DEL = 2
export const EPOLL_CTL_MOD = 3
export const EPOLL_CLOEXEC = 0o2000000

// eventfd(2).
export const EFD_CLOEXEC = 0o2000000
export const EFD_NONBLOCK = 0o4000

// mmap(2), memfd_create(2), madvise(2).
export const PROT_READ = 1
export const PROT_WRITE = 2
export const MAP_SHARED = 1
export const MFD_CLOEXEC = 1
export const MFD_ALLOW_SEALING = 2
export const MADV_REMOVE = 9

// splice(2). Applies to the pipe only: the sockets need O_NONBLOCK of their own.
export const SPLICE_F_NONBLOCK = 2

// fcntl(2), open(2).
export const F_GETFD = 1
export const F_GETFL = 3
export const F_SETFL = 4
export const F_SETPIPE_SZ = 1031
export const F_GETPIPE_SZ = 1032
export const F_ADD_SEALS = 1033
export const O_NONBLOCK = 0o4000
export const O_CLOEXEC = 0o2000000

// getrlimit(2), clock_gettime(2), timerfd_create(2).
export const RLIMIT_NOFILE = 7
export const CLOCK_MONOTONIC = 1
export const TFD_CLOEXEC = 0o2000000
export const TFD_NONBLOCK = 0o4000
