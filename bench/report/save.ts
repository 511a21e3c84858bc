import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROJECT_DIR } from '../system/machine.js'
import { renderMarkdown } from './render.js'
import type { Report } from './report.js'

/** Writes the run as JSON (everything) and Markdown (for people); the path without the ending. */
export function saveReport(report: Report): string {
  const dir = join(PROJECT_DIR, 'bench/results')
  mkdirSync(dir, { recursive: true })
  // To the minute, without colons, which some file systems refuse.
  const path = join(dir, report.date.slice(0, 16).replace(':', ''))
  writeFileSync(`${path}.json`, `${JSON.stringify(report, undefined, 2)}\n`)
  writeFileSync(`${path}.md`, renderMarkdown(report))
  return path
}
