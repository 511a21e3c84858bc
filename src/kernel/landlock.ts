/** Landlock (landlock(7)): restricts the calling thread, and the threads and processes that it starts later. */
import { nativeFunction } from './ffi.js'
import { mapPrivate, unmap } from './memory.js'
import type { Outcome } from './outcome.js'
import { openPath } from './path-handle.js'
import { systemCall } from './system-call.js'

const LANDLOCK_CREATE_RULESET_VERSION = 1
const LANDLOCK_RULE_PATH_BENEATH = 1

// linux/landlock.h.
const EXECUTE = 1 << 0
const WRITE_FILE = 1 << 1
const READ_FILE = 1 << 2
const READ_DIR = 1 << 3
const TRUNCATE = 1 << 14
/** REMOVE_DIR to MAKE_SYM, of the first version. */
const CHANGE_FOLDERS = 0x1ff0
/** Since versions 2, 3 and 5: rename and link between folders, truncate, ioctl of devices. */
const REFER = 1 << 13
const IOCTL_DEVICES = 1 << 15

const READING = READ_FILE | READ_DIR
const CHANGING = EXECUTE | WRITE_FILE | CHANGE_FOLDERS | REFER | TRUNCATE

/** landlock_ruleset_attr: more members since version 4, which stay unused. */
const ATTRIBUTE_BYTES = 8
/** landlock_path_beneath_attr, packed: the rights, the descriptor. */
const RULE_BYTES = 12

export interface WritablePaths {
  /** Everything beneath may be created, changed and removed. */
  readonly folders: readonly string[]
  /** Existing files that may be written. */
  readonly files: readonly string[]
}

/** The version of its ABI, or a negated errno: ENOSYS without it, EOPNOTSUPP if it is disabled at boot. */
export function landlockVersion(): Outcome {
  return systemCall('landlock_create_ruleset', 0, 0, LANDLOCK_CREATE_RULESET_VERSION)
}

/**
 * Takes all access to files from this thread; open descriptors stay usable. With `writable` it may still read
 * everything, and write there; no program can be executed. Needs no_new_privs. Throws if a path cannot be opened.
 */
export function restrictFiles(writable: WritablePaths | undefined): Outcome {
  const version = landlockVersion()
  if (version < 0) return version
  const handled = rightsOf(version) & (writable === undefined ? -1 : CHANGING)
  const region = mapPrivate(ATTRIBUTE_BYTES)
  const view = new DataView(region.bytes.buffer, 0, ATTRIBUTE_BYTES)
  view.setBigUint64(0, BigInt(handled), true)
  const ruleset = systemCall('landlock_create_ruleset', region.address, ATTRIBUTE_BYTES, 0)
  unmap(region)
  if (ruleset < 0) return ruleset
  try {
    for (const folder of writable?.folders ?? []) permit(ruleset, folder, handled & ~EXECUTE)
    for (const file of writable?.files ?? []) permit(ruleset, file, handled & (WRITE_FILE | TRUNCATE))
    return systemCall('landlock_restrict_self', ruleset, 0)
  } finally {
    closeFd(ruleset)
  }
}

/** The rights on files that a version knows. */
function rightsOf(version: number): number {
  const first = EXECUTE | WRITE_FILE | READING | CHANGE_FOLDERS
  return (
    first | (version >= 2 ? REFER : 0) | (version >= 3 ? TRUNCATE : 0) | (version >= 5 ? IOCTL_DEVICES : 0)
  )
}

function permit(ruleset: number, path: string, rights: number): void {
  const fd = openPath(path)
  const region = mapPrivate(RULE_BYTES)
  try {
    const view = new DataView(region.bytes.buffer, 0, RULE_BYTES)
    view.setBigUint64(0, BigInt(rights), true)
    view.setInt32(8, fd, true)
    const outcome = systemCall('landlock_add_rule', ruleset, LANDLOCK_RULE_PATH_BENEATH, region.address, 0)
    if (outcome < 0) throw new Error(`landlock_add_rule: ${path}: errno ${-outcome}`)
  } finally {
    unmap(region)
    closeFd(fd)
  }
}

/** Not that of `node:fs`, which warns in a thread about descriptors that it has not opened. */
function closeFd(fd: number): void {
  nativeFunction<(fd: number) => number>('int close(int fd)')(fd)
}
