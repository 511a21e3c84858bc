/** The calls that restrict a process (landlock(7), seccomp(2)) as an interface: tests replace them. */
import { nativeFunction } from './ffi.js'
import { landlockVersion, restrictFiles, type WritablePaths } from './landlock.js'
import { mapPrivate, unmap } from './memory.js'
import { lastErrno } from './native-errno.js'
import type { Outcome } from './outcome.js'
import { systemCall } from './system-call.js'

export interface SandboxCalls {
  /** The version of Landlock, or a negated errno without it. */
  landlockVersion(): Outcome
  /** 0 if the kernel has filters of system calls, or a negated errno. */
  filterSupport(): Outcome
  /** Makes execve(2) grant nothing to this thread and its descendants; both restrictions require it. */
  setNoNewPrivileges(): Outcome
  /** Of this thread and those that it starts later; see `landlock.ts`. */
  restrictFiles(writable: WritablePaths | undefined): Outcome
  /** Installs the filter, and no_new_privs, in all threads of this process, for ever. */
  filterCalls(filter: Uint8Array): Outcome
}

const PR_SET_NO_NEW_PRIVS = 38

// linux/seccomp.h.
const SECCOMP_SET_MODE_FILTER = 1
const SECCOMP_GET_ACTION_AVAIL = 2
const RET_ERRNO = 0x0005_0000
const FLAG_TSYNC = 1 << 0
/** The kernel logs refused calls. */
const FLAG_LOG = 1 << 1
/** Otherwise kernels before 5.16 disable speculation in all threads, which makes each of them slower. */
const FLAG_SPEC_ALLOW = 1 << 2

const INSTRUCTION_BYTES = 8
/** struct sock_fprog: the number of instructions, their address. */
const PROGRAM_BYTES = 16

export function linuxSandbox(): SandboxCalls {
  return { landlockVersion, filterSupport, setNoNewPrivileges, restrictFiles, filterCalls }
}

function filterSupport(): Outcome {
  const action = mapPrivate(4)
  new DataView(action.bytes.buffer, 0, 4).setUint32(0, RET_ERRNO, true)
  const outcome = systemCall('seccomp', SECCOMP_GET_ACTION_AVAIL, 0, action.address)
  unmap(action)
  return outcome
}

function setNoNewPrivileges(): Outcome {
  const prctl = nativeFunction<(option: number, a: number, b: number, c: number, d: number) => number>(
    'int prctl(int option, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)',
  )
  const errno = lastErrno()
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -(errno[0] as number) : 0
}

function filterCalls(filter: Uint8Array): Outcome {
  const region = mapPrivate(PROGRAM_BYTES + filter.length)
  region.bytes.set(filter, PROGRAM_BYTES)
  const view = new DataView(region.bytes.buffer, 0, PROGRAM_BYTES)
  view.setUint16(0, filter.length / INSTRUCTION_BYTES, true)
  view.setBigUint64(8, region.pointer + BigInt(PROGRAM_BYTES), true)
  const flags = FLAG_TSYNC | FLAG_LOG | FLAG_SPEC_ALLOW
  // A positive result is the number of a thread that already has another filter.
  const outcome = systemCall('seccomp', SECCOMP_SET_MODE_FILTER, flags, region.address)
  unmap(region)
  return outcome
}
