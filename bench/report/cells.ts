import { FOREIGN_SHARE_MAX } from '../sample.js'
import type { Ratio, Row } from '../summary.js'
import type { WorkUnit } from '../workloads/workload.js'

/** Intervals with less coverage, as of one or two rounds, are not printed. */
export const COVERAGE_MIN = 0.6

/** Three significant digits, with separators of thousands. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '?'
  // Three digits of 999.6 are 1.00e+3.
  if (Math.abs(value) >= 999.5) return Math.round(value).toLocaleString('en-US')
  return value.toPrecision(3)
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** With its interval, if there is one. */
export function ratioText(ratio: Ratio): string {
  if (ratio.coverage < COVERAGE_MIN) return ratio.median.toFixed(2)
  return `${ratio.median.toFixed(2)} [${ratio.low.toFixed(2)} – ${ratio.high.toFixed(2)}]`
}

/** Selects the columns of a table. All rows of a section come from the same generator. */
interface Columns {
  readonly unit: WorkUnit
  readonly rows: readonly Row[]
}

/** Where latency is judged, the other percentiles and CPU time are shown beside; elsewhere the generator's p99. */
function timeHeads({ unit: { name }, rows }: Columns): readonly string[] {
  if (!rows.some(({ latency }) => latency !== undefined)) return ['p99 ms']
  return ['p50 µs', 'p99.9 µs', 'max µs', 'generator late p99 µs', `CPU µs/${name}`]
}

function timeCells({ p99Ms, latency, cpuPerUnit }: Row): readonly string[] {
  if (latency === undefined) return [p99Ms === undefined ? '–' : figure(p99Ms)]
  return [latency.p50Us, latency.p999Us, latency.maxUs, latency.lagP99Us, cpuPerUnit * 1e6].map(figure)
}

export function headCells(section: Columns, judged: string): readonly string[] {
  return [
    'relay',
    section.unit.costLabel,
    `${judged} ÷ it`,
    ...timeHeads(section),
    section.unit.rateLabel,
    'core busy',
    'children even',
    'rounds',
  ]
}

export function rowCells(row: Row, unit: WorkUnit): readonly string[] {
  const isDisturbed = row.foreignShareMax > FOREIGN_SHARE_MAX
  return [
    row.relay,
    figure(row.costPerUnit.median * unit.costScale),
    row.costRatio === undefined ? '–' : ratioText(row.costRatio),
    ...timeCells(row),
    figure(row.unitsPerSecond * unit.rateScale),
    `${percent(row.busyShare)}${isDisturbed ? ` (others ${percent(row.foreignShareMax)})` : ''}`,
    row.evenness === undefined ? '–' : percent(row.evenness),
    String(row.sampleCount),
  ]
}
