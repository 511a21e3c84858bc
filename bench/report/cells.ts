import { FOREIGN_SHARE_MAX } from '../sample.js'
import type { Ratio, Row } from '../summary.js'
import type { WorkUnit } from '../workloads/workload.js'

/** An interval that is wrong every other time, as that of one or two rounds, is not worth printing. */
export const COVERAGE_MIN = 0.6

/** Three significant digits, grouped by thousands where there are more. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '?'
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en-US')
  return value.toPrecision(3)
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** With its interval, where there is one. */
export function ratioText(ratio: Ratio): string {
  if (ratio.coverage < COVERAGE_MIN) return ratio.median.toFixed(2)
  return `${ratio.median.toFixed(2)} [${ratio.low.toFixed(2)} – ${ratio.high.toFixed(2)}]`
}

export function headCells(unit: WorkUnit, judged: string): readonly string[] {
  return [
    'relay',
    unit.costLabel,
    `${judged} ÷ it`,
    unit.rateLabel,
    'p99 ms',
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
    figure(row.unitsPerSecond * unit.rateScale),
    row.p99Ms === undefined ? '–' : figure(row.p99Ms),
    `${percent(row.busyShare)}${isDisturbed ? ` (others ${percent(row.foreignShareMax)})` : ''}`,
    row.evenness === undefined ? '–' : percent(row.evenness),
    String(row.sampleCount),
  ]
}
