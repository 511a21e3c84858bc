import type { Failure } from '../sample.js'
import { COVERAGE_MIN, headCells, percent, ratioText, rowCells } from './cells.js'
import { renderPrograms } from './render-programs.js'
import type { Report, Section } from './report.js'
import { markdownTable, textTable } from './table.js'

const ADDITIONS_TITLE = 'What logs and timeouts add'

function cellsOf(section: Section, judged: string): readonly (readonly string[])[] {
  return [headCells(section, judged), ...section.rows.map((row) => rowCells(row, section.unit))]
}

function failureLine({ workload, relay, round, reason }: Failure): string {
  return `${workload}, ${relay}, round ${round}: ${reason.replaceAll('\n', ' / ')}`
}

/** What the brackets behind a ratio mean; the coverage follows from the number of rounds alone. */
function legend(report: Report): string {
  const ratios = report.sections.flatMap(({ rows }) => rows.flatMap(({ costRatio }) => costRatio ?? []))
  const coverages = ratios.map(({ coverage }) => coverage)
  if (coverages.length === 0) return 'Medians of the rounds.'
  const coverage = Math.min(...coverages)
  const trust =
    coverage < COVERAGE_MIN
      ? 'too few rounds to say how sure that is.'
      : `the brackets hold the true median with ${percent(coverage)} confidence.`
  return `Medians of the rounds. '${report.judged} ÷ it' is cost per unit of work (of latency its p99), below 1 where ${report.judged} is cheaper or faster; ${trust}`
}

function conditions({ options, machine, rounds }: Report): string {
  return (
    `${rounds} rounds of ${options.seconds} s; ${machine.cores} cores of ${machine.cpu}, ` +
    `${machine.memoryGb} GB, Linux ${machine.kernel}, Node ${machine.node}`
  )
}

/** Workloads down, relays with more switched on across; empty if there are none. */
function additionCells({ additions }: Report): readonly (readonly string[])[] {
  const heads = [...new Set(additions.map(({ relay, bare }) => `${relay} ÷ ${bare}`))]
  const workloads = [...new Set(additions.map(({ workload }) => workload))]
  if (heads.length === 0) return []
  const rows = workloads.map((workload) => [
    workload,
    ...heads.map((head) => {
      const found = additions.find((a) => a.workload === workload && `${a.relay} ÷ ${a.bare}` === head)
      return found === undefined ? '–' : ratioText(found.ratio)
    }),
  ])
  return [['cost per unit', ...heads], ...rows]
}

export function renderText(report: Report): string {
  const sections = report.sections
    .filter(({ rows }) => rows.length > 0)
    .map((section) => `${section.workload}: ${section.title}\n${textTable(cellsOf(section, report.judged))}`)
  const additions = additionCells(report)
  if (additions.length > 0) sections.push(`${ADDITIONS_TITLE}\n${textTable(additions)}`)
  const failures = report.failures.map((failure) => `failed: ${failureLine(failure)}`)
  return `${[...sections, legend(report), conditions(report), ...failures].join('\n\n')}\n`
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `* ${line}`).join('\n')
}

/** `charts`: names of image files beside the text. */
export function renderMarkdown(report: Report, charts: readonly string[]): string {
  const tools = Object.entries(report.tools).map(([name, version]) => `${name} ${version}`)
  const relays = report.relays.map(({ name, version, setting }) => `${name}: ${version}; ${setting}`)
  const sections = report.sections
    .filter(({ rows }) => rows.length > 0)
    .map(
      (section) =>
        `## ${section.workload}: ${section.title}\n\n${markdownTable(cellsOf(section, report.judged))}`,
    )
  const additions = additionCells(report)
  if (additions.length > 0) sections.push(`## ${ADDITIONS_TITLE}\n\n${markdownTable(additions)}`)
  const notes = [...report.omissions, ...report.failures.map((failure) => `failed: ${failureLine(failure)}`)]
  return `${[
    `# Benchmark of ${report.date}`,
    `${conditions(report)}. Made by \`${['npm run bench --', ...report.arguments].join(' ')}\`.`,
    bullets([...relays, ...tools]),
    legend(report),
    ...charts.map((file) => `![${file}](${file})`),
    ...sections,
    ...(notes.length === 0 ? [] : ['## Left out or failed', bullets(notes)]),
    ...renderPrograms(report.programs),
  ].join('\n\n')}\n`
}
