import { shown } from './expectation.js'
import { mavisSettings } from './mavis-settings.js'
import type { Problems } from './problems.js'
import type { SpawndSettings } from './table-spawnd.js'
import type { TcprelaySettings } from './table-tcprelay.js'
import { listenerService } from './tls-service.js'

/**
 * Checks directives of MAVIS against each other and against listeners. `spawnd` is undefined if its section was not
 * read. `hasMistakes`: directives may be missing only because they were rejected.
 */
export function checkMavis(
  spawnd: Pick<SpawndSettings, 'listeners'> | undefined,
  tcprelay: TcprelaySettings,
  hasMistakes: boolean,
  problems: Problems,
): void {
  const { authorization, modules } = mavisSettings(tcprelay)
  checkNames(modules, problems)
  const position = tcprelay.mavisAuthorization?.position
  const [first] = modules
  if (authorization === 'none' || position === undefined) {
    if (first === undefined || hasMistakes) return
    const hint =
      "'mavis authorization = host' authorises clients by address, 'user' by certificate or pre-shared key"
    problems.warn(first.position, "this module is never queried: 'mavis authorization' is 'none'", { hint })
    return
  }
  if (first === undefined && !hasMistakes) {
    const hint = "add 'mavis module = external { … }' or another module"
    problems.error(position, "'mavis authorization' requires at least one module", { hint })
  }
  // Without the section of the master, the listeners are not known.
  if (authorization === 'user' && spawnd !== undefined) checkIdentities(spawnd, tcprelay, problems)
}

/** Scripts distinguish modules by name (IDENTITY_SOURCE), so names are unique. */
function checkNames(modules: TcprelaySettings['mavisModules'], problems: Problems): void {
  const known = new Map<string, TcprelaySettings['mavisModules'][number]>()
  for (const module of modules) {
    const earlier = known.get(module.name)
    if (earlier === undefined) {
      known.set(module.name, module)
      continue
    }
    const { file, line } = earlier.position
    problems.error(
      module.position,
      `duplicate module name ${shown(module.name)}, first used at ${file}:${line}`,
    )
  }
}

/** Whether listeners can identify clients: by certificate or by pre-shared key. */
function checkIdentities(
  { listeners }: Pick<SpawndSettings, 'listeners'>,
  tcprelay: TcprelaySettings,
  problems: Problems,
): void {
  const position = tcprelay.mavisAuthorization?.position
  const unidentified = listeners.filter((listener) => {
    const service = listenerService(listener, tcprelay)
    const identifies = service !== undefined && (service.verify !== 'none' || service.pskFile !== undefined)
    return !identifies && !listener.hasMistakes
  })
  if (unidentified.length === 0 || position === undefined) return
  const hint = "add 'tls client-ca-file', or 'tls psk' with 'tls psk file'"
  if (unidentified.length === listeners.length) {
    problems.error(position, 'no listener requests client certificates or pre-shared keys', { hint })
    return
  }
  for (const listener of unidentified) {
    const text =
      "all clients of this listener are rejected: 'mavis authorization = user' requires that it identifies them"
    problems.warn(listener.position, text, { hint })
  }
}
