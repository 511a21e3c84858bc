import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { PROJECT_DIR } from '../system/machine.js'
import { renderChart } from './chart.js'
import { chartsOf } from './charts.js'
import { renderMarkdown } from './render.js'
import type { Report } from './report.js'

/** Writes the run as JSON (everything), Markdown (for people) and charts; returns the path without the suffix. */
export function saveReport(report: Report): string {
  const dir = join(PROJECT_DIR, 'bench/results')
  mkdirSync(dir, { recursive: true })
  // To the minute, without colons, which some file systems refuse.
  const path = join(dir, report.date.slice(0, 16).replace(':', ''))
  writeFileSync(`${path}.json`, `${JSON.stringify(report, undefined, 2)}\n`)
  const charts = chartsOf(report).map(({ name, chart }) => ({ path: `${path}-${name}.svg`, chart }))
  for (const { path, chart } of charts) writeFileSync(path, renderChart(chart))
  const files = charts.map(({ path }) => basename(path))
  writeFileSync(`${path}.md`, renderMarkdown(report, files))
  return path
}
