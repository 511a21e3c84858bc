/** Capabilities of this process, and their inheritance by child processes (capabilities(7)). */
import { readFileSync } from 'node:fs'
import { nativeFunction } from './ffi.js'
import { mapPrivate, unmap } from './memory.js'

// linux/capability.h.
export const CAP_SETGID = 6
export const CAP_SETUID = 7
export const CAP_NET_BIND_SERVICE = 10
const CAP_NET_ADMIN = 12

/** _LINUX_CAPABILITY_VERSION_3 (linux/capability.h): three sets of 64 bits each, the lower halves first. */
const VERSION = 0x2008_0522
const HEADER_BYTES = 8
const SETS_BYTES = 24
/** Word indexes of the lower halves; the first word is the effective set (capset(2)). */
const PERMITTED = 1
const INHERITABLE = 2

// linux/prctl.h and linux/securebits.h.
const PR_GET_SECUREBITS = 27
const PR_SET_SECUREBITS = 28
const SECBIT_NO_SETUID_FIXUP = 1 << 2
const PR_CAP_AMBIENT = 47
const PR_CAP_AMBIENT_IS_SET = 1
const PR_CAP_AMBIENT_RAISE = 2
const PR_CAP_AMBIENT_LOWER = 3

/** All arguments are unsigned long (prctl(2)); unused ones of PR_CAP_AMBIENT must be zero. */
type Prctl = (option: number, a: number, b: number, c: number, d: number) => number
type CapabilityCall = (header: bigint, sets: bigint) => number

/** Whether a capability is in the effective set of this process. */
export function hasCapability(bit: number): boolean {
  const [, mask = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? []
  return ((BigInt(`0x${mask}`) >> BigInt(bit)) & 1n) === 1n
}

/**
 * Lets programs that this thread executes from now on inherit CAP_NET_ADMIN, and no other capability, even if they
 * switch to another user (ambient capabilities, capabilities(7)). Returns a function that reverts this; undefined,
 * without any change, if this process lacks the capability or may not pass it on.
 */
export function passOnNetAdmin(): (() => void) | undefined {
  // In this order: a capability can only be ambient while it is both permitted and inheritable.
  const undoInheritable = makeInheritable()
  if (undoInheritable === undefined) return undefined
  const undoAmbient = raiseAmbient()
  if (undoAmbient === undefined) {
    undoInheritable()
    return undefined
  }
  const undoAll = () => {
    undoAmbient()
    undoInheritable()
  }
  const undoFixup = keepWhenUserChanges()
  if (undoFixup === undefined) {
    undoAll()
    return undefined
  }
  return () => {
    undoFixup()
    undoAll()
  }
}

/**
 * Stops programs that this thread executes from now on from inheriting an ambient CAP_NET_ADMIN. Returns a function
 * that reverts this.
 */
export function keepNetAdmin(): () => void {
  const ambient = (what: number) => prctl()(PR_CAP_AMBIENT, what, CAP_NET_ADMIN, 0, 0)
  if (ambient(PR_CAP_AMBIENT_IS_SET) !== 1) return NOTHING_TO_UNDO
  ambient(PR_CAP_AMBIENT_LOWER)
  return () => ambient(PR_CAP_AMBIENT_RAISE)
}

const NOTHING_TO_UNDO = () => {}

function makeInheritable(): (() => void) | undefined {
  const region = mapPrivate(HEADER_BYTES + SETS_BYTES)
  const header = region.pointer
  const sets = region.pointer + BigInt(HEADER_BYTES)
  new Uint32Array(region.bytes.buffer, 0, 1)[0] = VERSION
  const words = new Uint32Array(region.bytes.buffer, HEADER_BYTES, SETS_BYTES / 4)
  const capget = nativeFunction<CapabilityCall>('int capget(uintptr_t header, uintptr_t sets)')
  const capset = nativeFunction<CapabilityCall>('int capset(uintptr_t header, uintptr_t sets)')
  const end = () => unmap(region)
  const isPermitted = capget(header, sets) === 0 && hasNetAdmin(words[PERMITTED])
  // capset(2) sets all three sets, so the other two are passed back as they were read.
  const before = words[INHERITABLE] as number
  words[INHERITABLE] = before | (1 << CAP_NET_ADMIN)
  if (!isPermitted || (!hasNetAdmin(before) && capset(header, sets) < 0)) {
    end()
    return undefined
  }
  return () => {
    words[INHERITABLE] = before
    capset(header, sets)
    end()
  }
}

function raiseAmbient(): (() => void) | undefined {
  const ambient = (what: number) => prctl()(PR_CAP_AMBIENT, what, CAP_NET_ADMIN, 0, 0)
  if (ambient(PR_CAP_AMBIENT_IS_SET) === 1) return NOTHING_TO_UNDO
  return ambient(PR_CAP_AMBIENT_RAISE) < 0 ? undefined : () => ambient(PR_CAP_AMBIENT_LOWER)
}

/**
 * The kernel clears all capabilities, ambient ones included, when a process stops being root, unless
 * SECBIT_NO_SETUID_FIXUP is set. Only root may set it.
 */
function keepWhenUserChanges(): (() => void) | undefined {
  if (process.geteuid?.() !== 0) return NOTHING_TO_UNDO
  const before = prctl()(PR_GET_SECUREBITS, 0, 0, 0, 0)
  if ((before & SECBIT_NO_SETUID_FIXUP) !== 0) return NOTHING_TO_UNDO
  const set = (bits: number) => prctl()(PR_SET_SECUREBITS, bits, 0, 0, 0)
  return set(before | SECBIT_NO_SETUID_FIXUP) < 0 ? undefined : () => set(before)
}

function hasNetAdmin(word: number | undefined): boolean {
  return word !== undefined && (word & (1 << CAP_NET_ADMIN)) !== 0
}

function prctl(): Prctl {
  return nativeFunction<Prctl>('int prctl(int option, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)')
}
