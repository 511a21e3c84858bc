/** Predicts failures of bind(2) for `-P` without binding. Warnings only: the real start may be by another user. */
import { accessSync, constants } from 'node:fs'
import { dirname } from 'node:path/posix'
import { formatAddress } from '../../base/address.js'
import { shownPath } from '../../config/expectation.js'
import type { ConfigProblem } from '../../config/problems.js'
import { reasonOf } from '../../config/sources.js'
import type { ListenerSettings, SpawndSettings } from '../../config/table-spawnd.js'
import { CAP_NET_BIND_SERVICE, hasCapability } from '../../kernel/capabilities.js'
import { unprivilegedPortStart } from '../../kernel/port-range.js'

/** One warning for each `listen` block: its ports would repeat it. */
export function bindWarnings({ listeners }: SpawndSettings): readonly ConfigProblem[] {
  const blocks = new Map<number, ConfigProblem>()
  for (const listener of listeners) {
    const message = blocks.has(listener.block) ? undefined : bindProblem(listener)
    if (message === undefined) continue
    blocks.set(listener.block, { severity: 'warning', position: listener.position, message })
  }
  return [...blocks.values()]
}

function bindProblem({ bind }: ListenerSettings): string | undefined {
  if (bind.kind === 'inherited') return undefined
  const target = bind.kind === 'address' ? bind.address : bind
  if ('path' in target) return folderProblem(target.path)
  const { port } = target
  const start = unprivilegedPortStart()
  // Port 0: the kernel chooses one, which is never privileged.
  if (port === 0 || port >= start || hasCapability(CAP_NET_BIND_SERVICE)) return undefined
  const place = bind.kind === 'address' ? formatAddress(bind.address) : `port ${port}`
  const rule = `ports below ${start} require it (net.ipv4.ip_unprivileged_port_start)`
  return `cannot bind ${place} without CAP_NET_BIND_SERVICE: ${rule}`
}

/** Undefined for an abstract name, which has no directory. */
function folderProblem(path: string): string | undefined {
  if (path.startsWith('\0')) return undefined
  try {
    // To create an entry, a folder must be writable and searchable (path_resolution(7)).
    accessSync(dirname(path), constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    // EIO for what is no system error.
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'EIO'
    return `cannot create a socket in ${shownPath(dirname(path))}: ${reasonOf(code)}`
  }
}
