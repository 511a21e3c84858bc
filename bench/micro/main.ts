import { parseArgs } from 'node:util'
import { textTable } from '../report/table.js'
import { describeMachine } from '../system/machine.js'
import { type Effort, flatness, type MicroResult, measureCase } from './measure-micro.js'
import { POLICY_CASES } from './policy-cases.js'
import { REACTOR_CASES } from './reactor-cases.js'
import { ROUTE_CASES } from './route-cases.js'
import { TABLE_CASES } from './table-cases.js'

const USAGE = `npm run bench:micro -- [options]

  --runs N      how often each case is run (7)
  --run-ms N    length of one run (60)
  --json        the results as JSON
  --help
`

interface Measured {
  readonly results: readonly MicroResult[]
  readonly flatness: number | undefined
}

function rowsOf({ flatness, results }: Measured): string[][] {
  return results.map(({ bestNs, medianNs, name, size, worstNs }, i) => {
    const isLast = i === results.length - 1
    const ratio = flatness === undefined || !isLast ? '' : flatness.toFixed(2)
    const sizes = results.length === 1 ? '' : size.toLocaleString('en-US')
    return [name, sizes, medianNs.toFixed(0), `${bestNs.toFixed(0)} – ${worstNs.toFixed(0)}`, ratio]
  })
}

function run(effort: Effort): readonly Measured[] {
  return [...REACTOR_CASES, ...POLICY_CASES, ...TABLE_CASES, ...ROUTE_CASES].map((micro) => {
    const results = measureCase(micro, effort)
    return { results, flatness: flatness(results) }
  })
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a whole number, not '${text}'`)
  return value
}

function main(args: readonly string[]): void {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      runs: { type: 'string', default: '7' },
      'run-ms': { type: 'string', default: '60' },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return
  }
  const measured = run({ runs: positive('runs', values.runs), runMs: positive('run-ms', values['run-ms']) })
  if (values.json) {
    const results = measured.flatMap((one) => one.results)
    const flatnesses = measured.flatMap(({ flatness, results: [first] }) =>
      flatness === undefined || first === undefined ? [] : [{ name: first.name, flatness }],
    )
    const report = { date: new Date().toISOString(), machine: describeMachine(), results, flatnesses }
    process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
    return
  }
  const head = ['what', 'of', 'ns', 'best – worst', 'most ÷ least']
  process.stdout.write(`${textTable([head, ...measured.flatMap(rowsOf)])}\n`)
}

try {
  main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}
