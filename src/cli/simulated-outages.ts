/** Resolves the outages of `simulate --down`: remotes by name, and times. */
import { nearest } from '../base/suggest.js'
import type { Rows } from '../simulate/rows.js'
import type { Outage } from '../simulate/sweep.js'
import type { Trace } from '../simulate/trace.js'
import type { GivenOutage, GivenTime } from './simulate-arguments.js'

/** No remote of the configuration, or more than one, has this name. */
export class UnknownRemote extends Error {}

export function outagesOf(
  given: readonly GivenOutage[],
  rows: Rows,
  trace: Trace,
): readonly Outage[] | UnknownRemote {
  const firstMs = trace.startMs.subarray(0, trace.count).reduce((first, ms) => Math.min(first, ms), Infinity)
  const msOf = ({ isRelative, ms }: GivenTime) => (isRelative ? firstMs + ms : ms)
  const outages: Outage[] = []
  for (const { from, remote, to } of given) {
    const row = rowOf(remote, rows)
    if (typeof row === 'string') return new UnknownRemote(row)
    outages.push({ row, fromMs: msOf(from), toMs: to === undefined ? Infinity : msOf(to) })
  }
  return outages
}

/** A string is an error message. */
function rowOf(text: string, { pools, remotes }: Rows): number | string {
  const configured = [...remotes.entries()].filter(([, { weight }]) => weight !== undefined)
  const named = configured.map(([row, { name, pool }]) => ({
    row,
    name,
    path: `${pools[pool]?.name}/${name}`,
  }))
  const found = named.filter(({ name, path }) => name === text || path === text)
  const [first, second] = found
  if (first !== undefined && second === undefined) return first.row
  if (second !== undefined) {
    return `option '--down': '${text}' is a remote of several pools: write ${found.map(({ path }) => `'${path}'`).join(' or ')}`
  }
  const near = nearest(text, new Set(named.map(({ name }) => name)))
  const hint = near === undefined ? named.map(({ name }) => name).join(', ') : `did you mean '${near}'?`
  return `option '--down': there is no remote '${text}': ${hint}`
}
