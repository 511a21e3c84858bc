import type { Options } from './options.js'
import { ALL_RELAYS } from './relays/index.js'
import type { Presence, Relay } from './relays/relay.js'
import { subjectRelay } from './relays/subject.js'
import { installHint } from './system/launch.js'
import { descriptorShortage } from './system/limits.js'
import { findCommand } from './system/machine.js'
import { allWorkloads } from './workloads/index.js'
import type { Workload } from './workloads/workload.js'

export interface PresentRelay extends Relay {
  readonly version: string
}

/** What will be measured. The others are compared with the first relay. */
export interface Plan {
  readonly relays: readonly PresentRelay[]
  readonly workloads: readonly Workload[]
  /** What is left out, and how to enable it. */
  readonly omissions: readonly string[]
}

function named<T extends { readonly name: string }>(known: readonly T[], name: string, option: string): T {
  const found = known.find((entry) => entry.name === name)
  if (found !== undefined) return found
  throw new Error(`${option} does not know '${name}', but ${known.map((entry) => entry.name).join(', ')}`)
}

/** A relay that is named on the command line is measured with every workload that it supports. */
function namedRelays(names: readonly string[]): readonly Relay[] {
  return names.map((name, index) => {
    const earlier = names.slice(0, index).filter((other) => other === name).length
    const { workloads: _, ...relay } = named(ALL_RELAYS, name, '--relays')
    return earlier === 0 ? relay : { ...relay, name: `${name}#${earlier + 1}` }
  })
}

function wantedRelays({ relays, subject, isQuick }: Options): readonly Relay[] {
  const standard = ALL_RELAYS.filter(({ isLeftOutWhenQuick }) => !(isQuick && isLeftOutWhenQuick === true))
  const wanted = relays === undefined ? standard : namedRelays(relays)
  return subject === undefined ? wanted : [subjectRelay(subject), ...wanted]
}

function wantedWorkloads({ workloads, connections }: Options): readonly Workload[] {
  const known = allWorkloads(connections)
  for (const name of workloads ?? []) named(known, name, '--only')
  return known.filter(({ name }) => workloads?.includes(name) ?? true)
}

function whatIsMissing(workload: Workload): string | undefined {
  const shortage = descriptorShortage(workload.connectionsMax ?? 0)
  if (shortage !== undefined) return `${workload.name} needs ${shortage}`
  const missing = workload.needs.filter(({ command }) => findCommand(command) === undefined)
  if (missing.length === 0) return undefined
  const commands = missing.map(({ command }) => command).join(' and ')
  return `${workload.name} needs ${commands}: ${installHint(missing.map((tool) => tool.debianPackage))}`
}

export function makePlan(options: Options): Plan {
  const omissions: string[] = []
  const relays = wantedRelays(options).flatMap((relay) => {
    const presence: Presence = relay.detect()
    if (presence.isPresent) return [{ ...relay, version: presence.version }]
    omissions.push(`${relay.name} is not here: ${presence.remedy}`)
    return []
  })
  const workloads = wantedWorkloads(options).filter((workload) => {
    const missing = whatIsMissing(workload)
    if (missing !== undefined) omissions.push(missing)
    return missing === undefined
  })
  const measured = relays.filter((relay) => workloads.some((workload) => isMeasuredWith(relay, workload)))
  return { relays: measured, workloads, omissions }
}

export function isMeasuredWith(relay: Relay, workload: Workload): boolean {
  const spoken = workload.tls === undefined ? 'plain' : 'tls'
  if (relay.speaks !== undefined && relay.speaks !== spoken) return false
  if (workload.serverNames !== undefined && relay.choosesByName !== true) return false
  if (workload.proxy !== undefined && relay.proxies?.includes(workload.proxy) !== true) return false
  return relay.workloads?.includes(workload.name) ?? true
}

/** A rough forecast for the user. */
export function expectedSeconds(plan: Plan, options: Options): number {
  const pairs = plan.workloads.flatMap((workload) =>
    plan.relays.filter((relay) => isMeasuredWith(relay, workload)),
  )
  // Starting and ending the three programs takes about half a second.
  return pairs.length * options.rounds * (options.seconds + options.warmUpMs / 1e3 + 0.5)
}
