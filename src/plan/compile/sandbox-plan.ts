/** What the sandbox of a process that relays has to permit. */
import { mavisSettings } from '../../config/mavis-settings.js'
import type { Plan, SandboxMode } from '../../engine/plan.js'
import { AF_INET, AF_INET6, AF_NETLINK, AF_UNIX } from '../../kernel/constants.js'
import type { ModuleSettings } from '../../mavis/settings.js'
import type { Loaded } from '../load/load.js'

/** Modules that start programs, or open files while they serve: all of that would be in the sandbox too. */
const UNCONFINED: readonly ModuleSettings['module'][] = ['external', 'external-mt', 'groups', 'tee', 'error']

/** The mode of a child, or `no` if one of its MAVIS modules cannot work in it. */
export function childSandbox(loaded: Pick<Loaded, 'tcprelay'>): SandboxMode {
  return unconfinedModule(loaded) === undefined ? loaded.tcprelay.sandbox : 'no'
}

/** The mode of a process that also checks the health of remotes. */
export function headSandbox(loaded: Pick<Loaded, 'tcprelay'>): SandboxMode {
  return hasProgramChecks(loaded) ? 'no' : childSandbox(loaded)
}

/** Why there is no sandbox, in words for the log; undefined: there is. `isHead`: it checks the health of remotes. */
export function sandboxObstacle(loaded: Pick<Loaded, 'tcprelay'>, isHead: boolean): string | undefined {
  const module = unconfinedModule(loaded)
  if (module !== undefined) return `the MAVIS module '${module}'`
  return isHead && hasProgramChecks(loaded) ? "the health check 'exec'" : undefined
}

function unconfinedModule({ tcprelay }: Pick<Loaded, 'tcprelay'>): string | undefined {
  const { authorization, modules } = mavisSettings(tcprelay)
  if (authorization === 'none') return undefined
  return modules.find(({ module }) => UNCONFINED.includes(module))?.module
}

function hasProgramChecks({ tcprelay }: Pick<Loaded, 'tcprelay'>): boolean {
  const { pools, remotes } = tcprelay
  return [...pools, ...remotes].some(({ health }) => health?.type === 'exec')
}

/** The families of sockets that a reactor of this plan creates, and those of its MAVIS modules. */
export function socketFamilies({ mavis, pools, remotes }: Plan): readonly number[] {
  const isOpen = pools.some(({ dynamic, spares }) => dynamic !== undefined || (spares?.length ?? 0) > 0)
  const families = new Set(isOpen ? INTERNET : [])
  for (const { addresses, isDynamic } of remotes) {
    // A name may have addresses of both families.
    const all =
      addresses.length === 0 || isDynamic ? INTERNET : addresses.map(({ family }) => NUMBERS[family])
    for (const family of all) families.add(family)
  }
  for (const module of mavis.modules) {
    if (module.module !== 'remote') continue
    // The chain opens Unix datagram sockets only, which are always permitted.
    for (const family of INTERNET) families.add(family)
  }
  return [...families].sort((a, b) => a - b)
}

const INTERNET = [AF_INET, AF_INET6]
const NUMBERS = { ipv4: AF_INET, ipv6: AF_INET6, unix: AF_UNIX } as const

/**
 * The families of a process that does everything by itself: lookups by the C library and Unix sockets to listen on too. A
 * reload may add remotes of any kind.
 */
export const HEAD_FAMILIES: readonly number[] = [AF_UNIX, ...INTERNET, AF_NETLINK]
