/** Which system calls a sandboxed process has. Some depend on their arguments: `call-filter.ts`. */

/**
 * What Node, V8, libuv, the C library, OpenSSL and the relay use after the start: descriptors, memory, threads, signals and
 * clocks. The calls of the data path come first, because kernels before 5.11 run the whole filter for each call.
 */
export const ALWAYS = words(`
  recvfrom sendto epoll_wait epoll_pwait epoll_pwait2 epoll_ctl accept4 accept connect close shutdown splice
  setsockopt getsockopt getsockname getpeername read write futex recvmsg sendmsg recvmmsg sendmmsg bind listen
  readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek dup dup2 dup3 fcntl close_range pipe pipe2
  tee poll ppoll select pselect6 epoll_create epoll_create1 eventfd eventfd2 timerfd_create timerfd_settime
  timerfd_gettime signalfd4 mmap munmap mprotect mremap madvise msync mincore brk mlock munlock membarrier
  pkey_alloc pkey_free pkey_mprotect mseal map_shadow_stack memfd_create ftruncate fallocate futex_waitv
  set_robust_list get_robust_list rseq set_tid_address gettid exit exit_group sched_yield sched_getaffinity
  arch_prctl rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigpending sigaltstack
  restart_syscall pause clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time timer_create
  timer_settime timer_gettime timer_getoverrun timer_delete setitimer getitimer alarm getpid getppid getuid geteuid
  getgid getegid getgroups getresuid getresgid getpgid getpgrp getsid capget getrlimit getrusage getpriority times
  uname sysinfo getcpu getrandom umask fstat newfstatat stat lstat statx access faccessat faccessat2 readlink
  readlinkat getcwd fstatfs statfs fadvise64 socketpair getdents64 getdents sendfile copy_file_range flock fsync
  fdatasync sync_file_range wait4 waitid
`)

/** Calls that open, create or change files: for processes that have files; where they may write, Landlock decides. */
export const ON_FILES = words(`
  open openat openat2 inotify_init1 inotify_init inotify_add_watch inotify_rm_watch creat truncate unlink unlinkat rename renameat
  renameat2 mkdir mkdirat rmdir link linkat symlink symlinkat chmod fchmod fchmodat fchmodat2 chown fchown lchown
  fchownat utimensat utime utimes futimesat chdir fchdir
`)

/**
 * Calls that no part of the program makes, and that would lead out of the sandbox. They fail with EPERM. All other calls
 * fail with ENOSYS, as on an older kernel: libraries try new calls, and fall back.
 */
export const REFUSED = words(`
  execve execveat fork vfork ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp
  pidfd_open pidfd_getfd pidfd_send_signal rt_sigqueueinfo rt_tgsigqueueinfo mount umount2 mount_setattr move_mount
  open_tree fsopen fsconfig fsmount fspick pivot_root chroot unshare setns bpf perf_event_open userfaultfd
  io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key kexec_load kexec_file_load init_module
  finit_module delete_module reboot swapon swapoff acct quotactl quotactl_fd syslog sethostname setdomainname
  settimeofday adjtimex clock_settime clock_adjtime iopl ioperm modify_ldt personality mknod mknodat
  name_to_handle_at open_by_handle_at lookup_dcookie fanotify_init fanotify_mark setuid setgid setreuid setregid
  setresuid setresgid setgroups setfsuid setfsgid capset setsid setpgid setpriority setrlimit setxattr lsetxattr
  fsetxattr removexattr lremovexattr fremovexattr mbind migrate_pages move_pages set_mempolicy shmget shmat shmctl
  msgget msgsnd msgrcv msgctl semget semop semctl mq_open mq_unlink vhangup
`)

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/)
}
