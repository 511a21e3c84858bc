import { portCount } from './port-types.js'
import type { ConfigProblem, Problems } from './problems.js'
import type { ListenerSettings, SpawndSettings } from './table-spawnd.js'
import type { RemoteSettings, TcprelaySettings } from './table-tcprelay.js'

/** A `listen` block: what it says, and how many ports it has. */
interface ListenBlock {
  readonly settings: ListenerSettings
  readonly portCount: number
}

/** Each remote with a list of ports has one for each listener, of 8 bytes in each process. */
const PORT_PAIRS_MAX = 4 * 2 ** 20

/** Checks that remotes whose ports go by those of listeners have some to go by. */
export function checkPorts(
  { listeners }: Pick<SpawndSettings, 'listeners'>,
  { remotes }: TcprelaySettings,
  problems: Problems,
): void {
  const blocks = blocksOf(listeners)
  const lists = remotes.filter(({ ports }) => typeof ports !== 'string')
  const surplus = lists[Math.floor(PORT_PAIRS_MAX / Math.max(1, listeners.length))]
  if (surplus !== undefined) {
    const text = `${lists.length} remotes with lists of ports, for ${listeners.length} listening sockets, are too many`
    problems.error(surplus.position, `${text}: ${PORT_PAIRS_MAX} pairs are possible`)
    return
  }
  for (const { ports, position } of remotes) {
    if (ports === 'own') continue
    const isRight = ports === 'same' ? hasPort : (block: ListenBlock) => hasAsMany(block, ports)
    const wrong = blocks.find((block) => !block.settings.hasMistakes && !isRight(block))
    if (wrong !== undefined) problems.error(position, mismatch(ports, wrong))
  }
}

/** What is wrong where another program has the listeners. */
export function portsWithoutListeners({ remotes }: TcprelaySettings): readonly ConfigProblem[] {
  return remotes.flatMap(({ ports, position }) => {
    if (ports === 'own' || ports === 'same') return []
    const message =
      'the ports of this remote go by those of a listener, and another program has the listeners'
    return [{ severity: 'error' as const, position, message, hint: "'port = same' works there" }]
  })
}

function blocksOf(listeners: readonly ListenerSettings[]): readonly ListenBlock[] {
  const blocks = new Map<number, ListenBlock>()
  for (const settings of listeners) {
    const before = blocks.get(settings.block)?.portCount ?? 0
    blocks.set(settings.block, { settings, portCount: before + 1 })
  }
  return [...blocks.values()]
}

/** Whether a socket that was handed over has one is seen when its clients come. */
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
      ? "'port = same' is the port that the client has connected to"
      : `this remote has ${portCount(ports)} ports`
  if (!hasPort(block)) return `${wanted}, but ${listener} is a Unix socket`
  if (block.settings.bind.kind === 'inherited') return `${wanted}, but those of ${listener} are not known`
  return `${wanted}, but ${listener} has ${block.portCount}: each port needs one`
}
