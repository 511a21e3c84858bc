/** Where a process writes that has no master of ours: the only places that its sandbox leaves writable. */
import { existsSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path/posix'
import { isAbstract } from '../../base/address.js'
import type { WritablePaths } from '../../kernel/landlock.js'
import { headLog } from '../../plan/compile/worker-plans.js'
import type { Loaded, LoadOptions } from '../../plan/load/load.js'

/**
 * The folders of its log files, state file, pidfile and sockets, because these files are created, replaced and removed.
 * Devices and FIFOs that exist already are writable by themselves: their folder is /dev, or belongs to others.
 */
export function writablePaths(
  loaded: Loaded,
  { arguments: given }: Pick<LoadOptions, 'arguments'>,
): WritablePaths {
  const { spawnd, tcprelay } = loaded
  const logs = [tcprelay.accessLog, headLog(loaded).debugRedirect].flatMap((target) =>
    target?.kind === 'file' ? target.path : [],
  )
  const sockets = spawnd.listeners.flatMap(({ bind }) =>
    bind.kind === 'address' && bind.address.family === 'unix' && !isAbstract(bind.address.path)
      ? bind.address.path
      : [],
  )
  const admin = spawnd.admin.flatMap((place) =>
    // Without its folder the relay starts, and reports that there is no administration.
    place.kind === 'unix' && existsSync(dirname(place.path)) ? place.path : [],
  )
  const others = [
    tcprelay.stateFile,
    tcprelay.tlsKeylogFile?.value,
    given.pidfile ?? spawnd.pidfile,
    ...admin,
  ]
  const folders = new Set<string>()
  // Programs that are started by the C library or Node, and this process, use it as an empty input or output.
  const files = new Set(['/dev/null'])
  for (const path of [...logs, ...sockets, ...others]) {
    if (path === undefined) continue
    const special = specialFile(path)
    const folder = special === undefined ? existing(dirname(path)) : undefined
    if (folder !== undefined) folders.add(folder)
    if (special !== undefined) files.add(special)
  }
  return { folders: [...folders], files: [...files] }
}

/** Without links. Undefined: somebody has removed it since the configuration was checked. */
function existing(folder: string): string | undefined {
  try {
    return realpathSync(folder)
  } catch {
    return undefined
  }
}

/** The path, without links, of a file that is neither a regular file nor a socket. */
function specialFile(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined || stats.isFile() || stats.isSocket()) return undefined
  try {
    return realpathSync(path)
  } catch {
    // The pipe or socket that /dev/stdout leads to has no path. Landlock does not restrict it.
    return '/dev/null'
  }
}
