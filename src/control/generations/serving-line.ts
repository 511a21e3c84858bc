/** The log line that says which configuration is served. */

import { remoteName } from '../../plan/compile/socket-names.js'
import type { Generation } from './generation.js'

/** More names than this make a line too long to read: then only their number is said. */
const NAMES_MAX = 4

/** The configuration that is served. */
export interface Served {
  readonly loaded: Pick<Generation['loaded'], 'mechanism' | 'spawnd' | 'tcprelay'>
  readonly listeners: { readonly names: readonly string[]; readonly boundNames: readonly string[] }
}

/** What a process serves, in one line: `/etc/relay.cfg: 1 listener (…), 2 remotes (…), 4 to 8 children, epoll`. */
export function servingLine(
  configurationFile: string,
  { listeners, loaded }: Served,
  hasChildren: boolean,
): string {
  const { mechanism, spawnd, tcprelay } = loaded
  const bound = listeners.boundNames
  const wanted = listeners.names.length
  const missing = wanted - bound.length
  const parts = [
    wanted === 0 ? 'clients of another master' : counted('listener', bound),
    missing > 0 ? `${missing} not bound yet` : '',
    ...(spawnd.spawn.exec === undefined ? remotesOf(tcprelay) : []),
    hasChildren ? children(loaded) : 'a single process',
    mechanism,
  ]
  return `${configurationFile}: ${parts.filter(Boolean).join(', ')}`
}

/** Members that discovery finds are named when they join. */
function remotesOf({ pools, remotes }: Served['loaded']['tcprelay']): readonly string[] {
  const configured = remotes.filter(({ target }) => target.kind !== 'discovered')
  const sources = pools.flatMap(({ discover, name }) =>
    discover === undefined ? [] : [`${name}: ${discover.type}`],
  )
  const areAllDiscovered = configured.length === 0 && sources.length > 0
  return [
    areAllDiscovered ? '' : counted('remote', configured.map(remoteName)),
    sources.length === 0 ? '' : `members by discovery (${sources.join(', ')})`,
  ]
}

function counted(what: string, names: readonly string[]): string {
  const count = `${names.length} ${what}${names.length === 1 ? '' : 's'}`
  return names.length === 0 || names.length > NAMES_MAX ? count : `${count} (${names.join(', ')})`
}

function children({ spawnd: { spawn } }: Served['loaded']): string {
  const { accept, exec, instancesMax, instancesMin } = spawn
  const range = instancesMax > instancesMin ? `${instancesMin} to ${instancesMax}` : `${instancesMin}`
  const count = `${range} ${range === '1' ? 'child' : 'children'}`
  const accepts = range === '1' ? ' that accepts' : ' that accept'
  return `${count}${accept === 'direct' ? accepts : ''}${exec === undefined ? '' : ` of ${exec}`}`
}
