/** A configuration for `simulate` in a test that starts no process. */
import assert from 'node:assert/strict'
import type { SimulateArguments } from '../../src/cli/simulate-arguments.js'
import { compileForSimulation, type SimulatedPlan } from '../../src/cli/simulated-plan.js'
import { loadChosenConfiguration } from '../../src/config/load.js'
import { NO_GEO } from '../../src/plan/load/geo-loading.js'
import { NO_TLS_SETTINGS } from '../../src/plan/load/tls-loading.js'
import { TraceParser } from '../../src/simulate/trace-parser.js'
import { fakeWorld } from '../config/fake-world.js'

type Change = Partial<Pick<SimulateArguments, 'policy' | 'pool'>>

/** A string is an error message about `change`. */
export function compileText(text: string, change: Change = {}): SimulatedPlan | string {
  const { names, sources } = fakeWorld({ case: text })
  const request = { file: 'case', names, sources, environment: new Map(), isInetd: false }
  const configuration = loadChosenConfiguration(request, { program: 'tcprelay', programPath: 'tcprelay' })
  assert.deepEqual(configuration.problems, [])
  const tls = { settings: NO_TLS_SETTINGS, probes: [], stamps: new Map(), ocsp: [] }
  const loaded = {
    ...configuration,
    sources,
    mechanism: 'epoll',
    stamps: new Map(),
    geo: NO_GEO,
    tls,
  } as const
  return compileForSimulation(loaded, { policy: undefined, pool: undefined, ...change })
}

export function planOfText(text: string, change?: Change): SimulatedPlan {
  const plan = compileText(text, change)
  assert.ok(typeof plan !== 'string', String(plan))
  return plan
}

export interface Line {
  /** Seconds after the first one. */
  readonly at: number
  readonly seconds?: number
  readonly client?: string
  readonly listener?: string
  /** Fields between `listener` and `to_remote`, such as `remote=a`. */
  readonly fields?: string
  readonly end?: string
  /** Milliseconds. */
  readonly queued?: number
  readonly bytes?: number
}

export const BEGIN_MS = Date.UTC(2026, 0, 1)

export function traceOf(lines: readonly Line[]): TraceParser {
  const parser = new TraceParser()
  parser.push(new TextEncoder().encode(lines.map(textOf).join('')))
  parser.finish()
  assert.equal(parser.malformed.count, 0, parser.malformed.problem)
  return parser
}

function textOf({ at, bytes = 0, client = '192.0.2.1:5', end = 'done', ...line }: Line): string {
  const { fields = '', listener = '*:80', queued = 0, seconds = 0 } = line
  const time = new Date(BEGIN_MS + Math.round((at + seconds) * 1_000)).toISOString()
  const wait = queued === 0 ? '' : ` queued=${queued}`
  const middle = fields === '' ? '' : ` ${fields}`
  return `${time} id=0-x-1 client=${client} listener=${listener}${middle} to_remote=0 to_client=${bytes} seconds=${seconds.toFixed(3)}${wait} end=${end}\n`
}
