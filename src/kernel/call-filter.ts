/** Compiles the seccomp filter of a sandboxed process: a BPF program that decides about each system call (seccomp(2)). */
import { AF_NETLINK, AF_UNIX, SOCK_DGRAM, SOCK_STREAM } from './constants.js'
import { ENOSYS, EPERM } from './errno.js'
import { ALWAYS, ON_FILES, REFUSED } from './sandboxed-calls.js'
import { systemCallNumber } from './system-call-numbers.js'

export interface CallRules {
  /** Of this process: it may signal only itself. */
  readonly pid: number
  /** Families of sockets that it may create (AF_*). */
  readonly families: readonly number[]
  /** Whether it may open, create and change files. */
  readonly hasFiles: boolean
  /** Violations are logged by the kernel, and permitted. */
  readonly isLogOnly: boolean
}

// linux/bpf_common.h: load a word of the data, jump on a comparison with a constant, AND, return.
const LOAD = 0x20
const JUMP_IF_EQUAL = 0x15
const JUMP_IF_AT_LEAST = 0x35
const JUMP_IF_ANY_BIT = 0x45
const AND = 0x54
const RETURN = 0x06

// linux/seccomp.h.
const RET_ERRNO = 0x0005_0000
const RET_LOG = 0x7ffc_0000
const RET_ALLOW = 0x7fff_0000

// struct seccomp_data: the number of the call, the architecture, the six arguments of 64 bits.
const NUMBER_AT = 0
const ARCHITECTURE_AT = 4
const ARGUMENTS_AT = 16

// linux/audit.h.
const AUDIT_ARCH_X86_64 = 0xc000_003e
const AUDIT_ARCH_AARCH64 = 0xc000_00b7
/** Calls of the x32 ABI, which have the architecture of x86-64. */
const X32_BIT = 0x4000_0000

const CLONE_THREAD = 0x1_0000

/** linux/net.h: no raw sockets, and no SOCK_PACKET, which with AF_INET is a packet socket. */
const SOCKET_TYPES = [SOCK_STREAM, SOCK_DGRAM, 5]
const SOCKET_TYPE_MASK = 0xf

/** PR_GET_DUMPABLE, PR_SET_NAME and PR_GET_NAME (titles), PR_GET_SECCOMP, PR_SET_VMA (names of memory). */
const PRCTL_OPTIONS = [3, 15, 16, 21, 0x5356_4d41]

/** TIOCSTI and TIOCLINUX insert input into a terminal, which the shell of the administrator reads. */
const TERMINAL_INPUT = [0x5412, 0x541c]

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number]

const INSTRUCTION_BYTES = 8

/** The bytes of the program for `struct sock_fprog`. */
export function callFilter(rules: CallRules, arch: string = process.arch): Uint8Array {
  return encoded(instructions(rules, arch))
}

function instructions(rules: CallRules, arch: string): readonly Instruction[] {
  const refuse: Instruction = [RETURN, 0, 0, rules.isLogOnly ? RET_LOG : RET_ERRNO | EPERM]
  const unknown: Instruction = [RETURN, 0, 0, rules.isLogOnly ? RET_LOG : RET_ERRNO | ENOSYS]
  const each = (names: readonly string[], then: Instruction) =>
    names.flatMap((name) => ifCall(name, [then], arch))
  return [
    [LOAD, 0, 0, ARCHITECTURE_AT],
    [JUMP_IF_EQUAL, 1, 0, arch === 'arm64' ? AUDIT_ARCH_AARCH64 : AUDIT_ARCH_X86_64],
    // Numbers of 32-bit calls mean other calls.
    refuse,
    [LOAD, 0, 0, NUMBER_AT],
    [JUMP_IF_AT_LEAST, 0, 1, X32_BIT],
    refuse,
    // One client needs one of them; the others are rare.
    ...ifCall('socket', socketCheck(rules.families, refuse), arch),
    ...each(ALWAYS, ALLOW),
    ...ifCall('clone', [argument(0), [JUMP_IF_ANY_BIT, 0, 1, CLONE_THREAD], ALLOW, refuse], arch),
    // Its flags are in memory, which a filter cannot read. The C library falls back to clone.
    ...ifCall('clone3', [[RETURN, 0, 0, RET_ERRNO | ENOSYS]], arch),
    ...ifCall('prctl', oneOf(0, PRCTL_OPTIONS, ALLOW, refuse), arch),
    ...ifCall('kill', oneOf(0, [rules.pid], ALLOW, refuse), arch),
    ...ifCall('tgkill', oneOf(0, [rules.pid], ALLOW, refuse), arch),
    ...ifCall('prlimit64', oneOf(0, [0, rules.pid], ALLOW, refuse), arch),
    ...ifCall('ioctl', oneOf(1, TERMINAL_INPUT, refuse, ALLOW), arch),
    ...each(ON_FILES, rules.hasFiles ? ALLOW : refuse),
    ...each(REFUSED, refuse),
    unknown,
  ]
}

const ALLOW: Instruction = [RETURN, 0, 0, RET_ALLOW]

/** `body` ends by a return. Expects the number of the call, and leaves it to the next comparison. */
function ifCall(name: string, body: readonly Instruction[], arch: string): readonly Instruction[] {
  const number = systemCallNumber(name, arch)
  return number === undefined ? [] : [[JUMP_IF_EQUAL, 0, body.length, number], ...body]
}

/** Datagrams of Unix sockets are always permitted: the system log is connected again when its daemon restarts. */
function socketCheck(families: readonly number[], refuse: Instruction): readonly Instruction[] {
  const types = SOCKET_TYPES.map((type, i): Instruction => [JUMP_IF_EQUAL, SOCKET_TYPES.length - i, 0, type])
  const toLog: readonly Instruction[] = [
    argument(0),
    [JUMP_IF_EQUAL, 0, 4, AF_UNIX],
    argument(1),
    [AND, 0, 0, SOCKET_TYPE_MASK],
    [JUMP_IF_EQUAL, 0, 1, SOCK_DGRAM],
    ALLOW,
  ]
  // Of NETLINK_ROUTE only, by which the C library reads the addresses of this machine when it looks up names.
  const toRoutes: readonly Instruction[] = families.includes(AF_NETLINK)
    ? [argument(0), [JUMP_IF_EQUAL, 0, 3, AF_NETLINK], argument(2), [JUMP_IF_EQUAL, 0, 1, 0], ALLOW]
    : []
  const others = families.filter((family) => family !== AF_NETLINK)
  return [
    ...toLog,
    ...toRoutes,
    argument(1),
    [AND, 0, 0, SOCKET_TYPE_MASK],
    ...types,
    refuse,
    ...oneOf(0, others, ALLOW, refuse),
  ]
}

function oneOf(
  index: number,
  values: readonly number[],
  found: Instruction,
  otherwise: Instruction,
): readonly Instruction[] {
  const tests = values.flatMap((value): Instruction[] => [[JUMP_IF_EQUAL, 0, 1, value], found])
  return [argument(index), ...tests, otherwise]
}

/** Loads the lower half: the checked arguments are ints. */
function argument(index: number): Instruction {
  return [LOAD, 0, 0, ARGUMENTS_AT + 8 * index]
}

/** struct sock_filter: code, both jumps, value. */
function encoded(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * INSTRUCTION_BYTES)
  const view = new DataView(bytes.buffer)
  program.forEach(([code, ifTrue, ifFalse, value], i) => {
    const at = i * INSTRUCTION_BYTES
    view.setUint16(at, code, true)
    view.setUint8(at + 2, ifTrue)
    view.setUint8(at + 3, ifFalse)
    view.setUint32(at + 4, value, true)
  })
  return bytes
}
