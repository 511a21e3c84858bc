/*
 * Preloaded into the kernel of User Mode Linux. Its 6.1 passes ptrace(PTRACE_SETREGSET, NT_X86_XSTATE) a buffer of
 * the size that processors had when it was written. On a processor with larger registers (AMX) the host refuses it
 * with EFAULT, and the guest panics. Pad the buffer with zeros to the size that the processor expects. Also make
 * traced processes die with the kernel, so that nothing is left when it is killed.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
  PEEK_FIRST = 1,
  PEEK_LAST = 3,
  SET_OPTIONS = 0x4200,
  SET_REGISTERS = 0x4205,
  X86_XSTATE = 0x202,
  EXIT_KILL = 0x100000,
  XSTATE_LEAF = 13,
  /* The legacy area, then the header, which begins with the mask of components (Intel SDM 1, 13.4). */
  MASK_AT = 512,
  HEADER_END = 576,
};

static char whole[1 << 16] __attribute__((aligned(64)));

static unsigned wanted_bytes(void) {
  unsigned a, b = 0, c, d;
  return __get_cpuid_count(XSTATE_LEAF, 0, &a, &b, &c, &d) && b <= sizeof whole ? b : 0;
}

/* Clears components from the mask that lie beyond `have` bytes. */
static void drop_components_beyond(unsigned have) {
  unsigned long mask, kept = 3;
  memcpy(&mask, whole + MASK_AT, sizeof mask);
  for (int component = 2; component < 63; component++) {
    unsigned size, offset, c, d;
    if (!(mask >> component & 1)) continue;
    __get_cpuid_count(XSTATE_LEAF, component, &size, &offset, &c, &d);
    if (size != 0 && offset + size <= have) kept |= 1ul << component;
  }
  mask &= kept;
  memcpy(whole + MASK_AT, &mask, sizeof mask);
}

long ptrace(int request, ...) {
  va_list given;
  va_start(given, request);
  pid_t pid = va_arg(given, pid_t);
  void *address = va_arg(given, void *);
  void *data = va_arg(given, void *);
  va_end(given);
  if (request >= PEEK_FIRST && request <= PEEK_LAST) { /* the C library answers what the system call stores */
    long word;
    long outcome = syscall(SYS_ptrace, (long)request, (long)pid, address, &word);
    if (outcome < 0) return outcome;
    errno = 0;
    return word;
  }
  if (request == SET_OPTIONS) data = (void *)((long)data | EXIT_KILL);
  if (request == SET_REGISTERS && (long)address == X86_XSTATE) {
    const struct iovec *part = data;
    unsigned wanted = wanted_bytes();
    if (part->iov_len >= HEADER_END && part->iov_len < wanted) {
      struct iovec all = {whole, wanted};
      memcpy(whole, part->iov_base, part->iov_len);
      memset(whole + part->iov_len, 0, wanted - part->iov_len);
      drop_components_beyond(part->iov_len);
      return syscall(SYS_ptrace, (long)request, (long)pid, address, &all);
    }
  }
  return syscall(SYS_ptrace, (long)request, (long)pid, address, data);
}
