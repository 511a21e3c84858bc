import { poolsOfListener } from './pools-of-listener.js'
import { portCount } from './port-types.js'
import type { ConfigProblem, Problems } from './problems.js'
import { DEFAULT_POOL } from './table-pool.js'
import type { ListenerSettings, SpawndSettings } from './table-spawnd.js'
import type { RemoteSettings, TcprelaySettings } from './table-tcprelay.js'

/** Checks remotes whose ports depend on those of listeners: `port = same` and lists of ports. */

interface ListenBlock {
  readonly settings: ListenerSettings
  readonly portCount: number
  /** Names of the pools that may serve its clients. */
  readonly pools: ReadonlySet<string>
}

/** Remotes with lists of ports × listeners: each pair takes 8 bytes in each process, 32 MiB in all. */
const PORT_PAIRS_MAX = 4 * 2 ** 20

/** Reports remotes whose list of ports does not match every listener. */
export function checkPorts(
  { listeners }: Pick<SpawndSettings, 'listeners'>,
  { pools, remotes, routes }: TcprelaySettings,
  problems: Problems,
): void {
  // Usually there is nothing to compare.
  if (remotes.every(({ ports }) => ports === 'own')) return
  const blocks = blocksOf(listeners, routes)
  const lists = remotes.filter(({ ports }) => typeof ports !== 'string')
  const surplus = lists[Math.floor(PORT_PAIRS_MAX / Math.max(1, listeners.length))]
  if (surplus !== undefined) {
    const pairs = `${lists.length} remotes with lists of ports × ${listeners.length} listening sockets`
    const text = `too many pairs of ports: ${pairs}, at most ${PORT_PAIRS_MAX} pairs are allowed`
    problems.error(surplus.position, text)
    return
  }
  for (const { pool, ports, position } of remotes) {
    if (ports === 'own') continue
    const isRight = ports === 'same' ? hasPort : (block: ListenBlock) => hasAsMany(block, ports)
    const name = pools[pool]?.name ?? DEFAULT_POOL
    const wrong = blocks.find(
      (block) => !block.settings.hasMistakes && block.pools.has(name) && !isRight(block),
    )
    if (wrong !== undefined) problems.error(position, mismatch(ports, wrong))
  }
}

/** Errors for port lists under a master of another program, whose listeners are unknown here. */
export function portsWithoutListeners({ remotes }: TcprelaySettings): readonly ConfigProblem[] {
  return remotes.flatMap(({ ports, position }) => {
    if (ports === 'own' || ports === 'same') return []
    const message =
      "a list of ports requires the listeners' ports, which are unknown here: another program is the master"
    return [{ severity: 'error' as const, position, message, hint: "use 'port = same'" }]
  })
}

function blocksOf(
  listeners: readonly ListenerSettings[],
  routes: TcprelaySettings['routes'],
): readonly ListenBlock[] {
  const blocks = new Map<number, ListenerSettings[]>()
  for (const settings of listeners) {
    const before = blocks.get(settings.block)
    if (before === undefined) blocks.set(settings.block, [settings])
    else before.push(settings)
  }
  return [...blocks.values()].map((all) => ({
    // Any port of the block: they differ in the port only.
    settings: all.at(-1) as ListenerSettings,
    portCount: all.length,
    pools: poolsOfListener(all, routes),
  }))
}

/** An inherited socket counts as having a port: its address is only known at run time. */
function hasPort({ settings: { bind } }: ListenBlock): boolean {
  return bind.kind !== 'address' || bind.address.family !== 'unix'
}

function hasAsMany(block: ListenBlock, ports: Exclude<RemoteSettings['ports'], string>): boolean {
  const isKnown = hasPort(block) && block.settings.bind.kind !== 'inherited'
  return isKnown && block.portCount === portCount(ports)
}

function mismatch(ports: Exclude<RemoteSettings['ports'], 'own'>, block: ListenBlock): string {
  const { file, line } = block.settings.position
  const listener = `the listener at ${file}:${line}`
  const wanted =
    ports === 'same'
      ? "'port = same' requires listeners with a port"
      : `this remote has ${portCount(ports)} ports and requires listeners with as many`
  if (!hasPort(block)) return `${wanted}, but ${listener} is a Unix socket`
  if (block.settings.bind.kind === 'inherited')
    return `${wanted}, but the port of ${listener} is inherited and unknown`
  return `${wanted}, but ${listener} has ${block.portCount}`
}
