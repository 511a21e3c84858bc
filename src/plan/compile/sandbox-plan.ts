/** What the sandbox of a process that relays has to permit. */
import { mavisSettings } from '../../config/mavis-settings.js'
import type { Plan, SandboxMode } from '../../engine/plan.js'
import { AF_INET, AF_INET6, AF_UNIX } from '../../kernel/constants.js'
import type { ModuleSettings } from '../../mavis/settings.js'
import type { Loaded } from '../load/load.js'

/** Modules that start programs, or open files while they serve: all of that would be in the sandbox too. */
const UNCONFINED: readonly ModuleSettings['module'][] = ['external', 'external-mt', 'groups', 'tee']

/** The mode of a child, or `no` if one of its MAVIS modules cannot work in it. */
export function sandboxMode({ tcprelay }: Pick<Loaded, 'tcprelay'>): SandboxMode {
  return unconfinedModule({ tcprelay }) === undefined ? tcprelay.sandbox : 'no'
}

/** The kind of the first MAVIS module that cannot work in the sandbox. */
export function unconfinedModule({ tcprelay }: Pick<Loaded, 'tcprelay'>): string | undefined {
  const { authorization, modules } = mavisSettings(tcprelay)
  if (authorization === 'none') return undefined
  return modules.find(({ module }) => UNCONFINED.includes(module))?.module
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
