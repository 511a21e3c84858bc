import { shown } from './expectation.js'
import { mavisSettings } from './mavis-settings.js'
import type { Problems } from './problems.js'
import type { SpawndSettings } from './table-spawnd.js'
import type { TcprelaySettings } from './table-tcprelay.js'
import { listenerService } from './tls-service.js'

/**
 * Checks what no directive of MAVIS can see for itself. `spawnd` is undefined when it was not read; `hasMistakes`:
 * what seems to be missing may have been meant.
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
    const hint = "'mavis authorization = host' has them asked about addresses, 'user' about certificates"
    problems.warn(first.position, 'no module is ever asked', { hint })
    return
  }
  if (first === undefined && !hasMistakes) {
    const hint = "give 'mavis module = external { … }' or another one"
    problems.error(position, 'there is no module that could be asked', { hint })
  }
  if (authorization === 'user' && spawnd !== undefined) checkIdentities(spawnd, tcprelay, problems)
}

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
      `there is a module with the name ${shown(module.name)} already: ${file}:${line}`,
    )
  }
}

/** Whether clients can show who they are. */
function checkIdentities(
  { listeners }: Pick<SpawndSettings, 'listeners'>,
  tcprelay: TcprelaySettings,
  problems: Problems,
): void {
  const position = tcprelay.mavisAuthorization?.position
  const silent = listeners.filter((listener) => {
    const service = listenerService(listener, tcprelay)
    const asks = service !== undefined && (service.verify !== 'none' || service.pskFile !== undefined)
    return !asks && !listener.hasMistakes
  })
  if (silent.length === 0 || position === undefined) return
  const hint = "give 'tls client-ca-file', or 'tls psk' with 'tls psk file'"
  if (silent.length === listeners.length) {
    problems.error(position, 'no listener asks clients who they are', { hint })
    return
  }
  for (const listener of silent) {
    const text =
      "clients of this listener are all refused: nothing says who they are, as 'mavis authorization = user' needs"
    problems.warn(listener.position, text, { hint })
  }
}
