import { compare } from '../summary.js'
import type { Chart } from './chart.js'
import type { Report, Section } from './report.js'

/** The charts of a report; a name is a part of a file's name. */
export interface NamedChart {
  readonly name: string
  readonly chart: Chart
}

const TITLES = {
  requests: 'CPU per request and per connection',
  bulk: 'CPU per gigabyte',
  memory: 'Memory per idle connection',
  latency: 'Latency at a fixed rate',
  tls: 'CPU of TLS',
} as const

type Group = keyof typeof TITLES

function groupOf({ workload, unit }: Section): Group {
  if (unit.name === 'idle connection') return 'memory'
  if (workload.startsWith('tls-')) return 'tls'
  if (workload.startsWith('latency')) return 'latency'
  return unit.name === 'byte' ? 'bulk' : 'requests'
}

type Block = Chart['blocks'][number]

/** Costs relative to the cheapest bare peer; a workload without peers is not drawn. */
function blockOf(report: Report, { workload, title, rows }: Section): Block | undefined {
  const about = new Map(report.relays.map((relay) => [relay.name, relay]))
  const peers = rows.filter(({ relay }) => {
    const { isOurs, bare } = about.get(relay) ?? {}
    return isOurs !== true && bare === undefined && relay !== report.judged
  })
  const best = peers.toSorted((a, b) => a.costPerUnit.median - b.costPerUnit.median)[0]
  if (best === undefined) return undefined
  const bars = rows.flatMap(({ relay }) => {
    const ratio = compare(report.samples, workload, relay, best.relay)
    return ratio === undefined ? [] : [{ label: relay, ratio, isOurs: about.get(relay)?.isOurs === true }]
  })
  return { title, bars }
}

/** One chart for each kind of work that the report has peers for. */
export function chartsOf(report: Report): readonly NamedChart[] {
  return (Object.keys(TITLES) as Group[]).flatMap((name) => {
    const sections = report.sections.filter((section) => groupOf(section) === name)
    const blocks = sections.flatMap((section) => blockOf(report, section) ?? [])
    if (blocks.length === 0) return []
    const subtitle = `Relative to the cheapest peer (1.0), shorter is better; medians and intervals of ${report.rounds} rounds, ${report.date.slice(0, 10)}`
    return [{ name, chart: { title: TITLES[name], subtitle, blocks } }]
  })
}
