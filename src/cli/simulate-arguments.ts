/** Parses the command line of `tcprelay simulate`, and generates its help text. */
import { POLICY_NAMES, type PolicyName } from '../base/policy-names.js'
import type { Arguments } from '../config/arguments.js'
import { parseAccessTime } from '../simulate/access-time.js'
import { GENERATED_CLIENTS_MAX } from '../simulate/generated-address.js'

/** Arguments of `tcprelay simulate`, which runs an access log through a configuration. */
export interface SimulateArguments {
  readonly arguments: Arguments
  readonly source: TraceSource
  /** The pool whose policy is replaced. @default all pools */
  readonly pool: string | undefined
  /** @default as configured */
  readonly policy: PolicyName | undefined
  readonly outages: readonly GivenOutage[]
  /** @default a random one */
  readonly seed: number | undefined
  readonly isJson: boolean
}

export type TraceSource =
  | { readonly kind: 'log'; readonly file: string }
  | {
      readonly kind: 'generated'
      readonly count: number
      readonly ratePerS: number
      readonly clients: number
      readonly lengthMs: number
      /** Where the trace is saved. */
      readonly file: string | undefined
    }

export interface GivenOutage {
  /** As it is written, for messages. */
  readonly text: string
  /** A remote, or `POOL/REMOTE`. */
  readonly remote: string
  readonly from: GivenTime
  /** Undefined: to the end. */
  readonly to: GivenTime | undefined
}

/** Milliseconds since 1970, or since the first connection. */
export interface GivenTime {
  readonly ms: number
  readonly isRelative: boolean
}

/** First argument that selects it; a configuration file of that name is written `./simulate`. */
export const SIMULATE = 'simulate'

interface Option {
  /** Name of its value in the help text; undefined for a flag. */
  readonly value?: string
  readonly help: string
}

/** In the order of the help text. */
const OPTIONS = {
  trace: { value: 'file', help: "the access log to simulate; '-' is standard input" },
  policy: { value: 'policy', help: "the policy to try, one of those of 'balance'" },
  pool: { value: 'pool', help: 'the pool that gets it (default: all pools)' },
  down: {
    value: 'remote@from-to',
    help: 'a remote is down: seconds from the first connection, or times of the log; repeatable',
  },
  generate: { value: 'count', help: 'make up so many connections instead of reading a log' },
  rate: { value: 'number', help: 'generated connections per second (default: 100)' },
  clients: { value: 'count', help: 'generated clients (default: a tenth of the connections)' },
  length: { value: 'seconds', help: 'median length of generated sessions (default: 1)' },
  'write-trace': { value: 'file', help: 'save the generated connections as an access log' },
  seed: { value: 'number', help: 'repeat a run: for generated connections, random policies and back-offs' },
  json: { help: 'print the report as JSON' },
} as const satisfies Readonly<Record<string, Option>>

type OptionName = keyof typeof OPTIONS

type Given = ReadonlyMap<OptionName, readonly string[]>

/** Options that make no sense without `--generate`. */
const OF_GENERATED = ['rate', 'clients', 'length', 'write-trace'] as const

export function simulateUsage(program: string): string {
  const rows = Object.entries(OPTIONS).map(([name, option]) => {
    const left = 'value' in option ? `--${name} <${option.value}>` : `--${name}`
    return `  ${left.padEnd(24)} ${option.help}`
  })
  return [
    `Usage: ${program} ${SIMULATE} [ <Options> ] <configuration file> [ <id> ]`,
    '',
    'Runs the connections of an access log through the routes and policies of a configuration, on a',
    'virtual clock, and prints which remotes they get, beside those that they got.',
    '',
    'Options, beside -i and -I:',
    ...rows,
    '',
    `Policies: ${POLICY_NAMES.join(', ')}`,
    '',
  ].join('\n')
}

/** The result of parsing what any start has: the configuration and options of one letter. */
type Run = { readonly kind: 'run'; readonly arguments: Arguments }

type ParsedSimulate =
  | ({ readonly kind: 'simulate' } & SimulateArguments)
  | { readonly kind: 'simulate-help' }
  | { readonly kind: 'wrong'; readonly message: string }

/** `parseRest` parses the words that are not options of this command; what it returns besides `Run` is returned. */
export function parseSimulateArguments<Other extends { readonly kind: string }>(
  words: readonly string[],
  parseRest: (words: readonly string[]) => Other | Run,
): ParsedSimulate | Other {
  const given = new Map<OptionName, string[]>()
  const rest: string[] = []
  const queue = [...words]
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '-h' || word === '--help') return { kind: 'simulate-help' }
    if (word === '--') rest.push(word, ...queue.splice(0))
    else if (!word.startsWith('--') || word === '--version') rest.push(word)
    else {
      const problem = readOption(word, queue, given)
      if (problem !== undefined) return { kind: 'wrong', message: problem }
    }
  }
  const parsed = parseRest(rest)
  if (!isRun(parsed)) return parsed
  const read = interpret(given, parsed.arguments)
  return typeof read === 'string' ? { kind: 'wrong', message: read } : { kind: 'simulate', ...read }
}

function isRun<Other extends { readonly kind: string }>(parsed: Other | Run): parsed is Run {
  return parsed.kind === 'run'
}

/** `--name value` or `--name=value`. Returns an error message. */
function readOption(word: string, queue: string[], given: Map<OptionName, string[]>): string | undefined {
  const equals = word.indexOf('=')
  const name = word.slice(2, equals < 0 ? undefined : equals)
  if (!isOption(name)) return `unknown option '--${name}'`
  const option: Option = OPTIONS[name]
  if (option.value === undefined && equals >= 0) return `option '--${name}' takes no value`
  const value = option.value === undefined ? '' : equals < 0 ? queue.shift() : word.slice(equals + 1)
  if (value === undefined) return `option '--${name}' needs a value: <${option.value}>`
  if (name === 'down') given.set(name, [...(given.get(name) ?? []), value])
  else given.set(name, [value])
  return undefined
}

function isOption(name: string): name is OptionName {
  return Object.hasOwn(OPTIONS, name)
}

/** A string is an error message. */
function interpret(given: Given, ofProgram: Arguments): SimulateArguments | string {
  const source = sourceOf(given)
  if (typeof source === 'string') return source
  const [policy] = given.get('policy') ?? []
  const [pool] = given.get('pool') ?? []
  if (policy !== undefined && !isPolicy(policy)) {
    return `option '--policy' takes one of ${POLICY_NAMES.join(', ')}, not '${policy}'`
  }
  if (pool !== undefined && policy === undefined) return "option '--pool' needs '--policy'"
  const outages = (given.get('down') ?? []).map(outageOf)
  const wrong = outages.find((outage) => typeof outage === 'string')
  if (wrong !== undefined) return wrong
  const seed = numberOf(given, 'seed', { least: 0, most: 2 ** 32 - 1, isWhole: true })
  if (typeof seed === 'string') return seed
  return {
    arguments: ofProgram,
    source,
    pool,
    policy,
    outages: outages.filter((outage) => typeof outage !== 'string'),
    seed,
    isJson: given.has('json'),
  }
}

function sourceOf(given: Given): TraceSource | string {
  const [file] = given.get('trace') ?? []
  if (file !== undefined && given.has('generate')) return "give either '--trace' or '--generate'"
  if (file === undefined && !given.has('generate'))
    return "missing option: '--trace <file>' or '--generate <count>'"
  const lone = OF_GENERATED.find((name) => given.has(name))
  if (file !== undefined) {
    return lone === undefined ? { kind: 'log', file } : `option '--${lone}' needs '--generate'`
  }
  const count = numberOf(given, 'generate', { least: 1, most: 1e8, isWhole: true })
  const ratePerS = numberOf(given, 'rate', { least: 0.001, most: 1e6 })
  const clients = numberOf(given, 'clients', { least: 1, most: GENERATED_CLIENTS_MAX, isWhole: true })
  const lengthS = numberOf(given, 'length', { least: 0, most: 1e6 })
  for (const value of [count, ratePerS, clients, lengthS]) if (typeof value === 'string') return value
  const connections = Number(count)
  return {
    kind: 'generated',
    count: connections,
    ratePerS: Number(ratePerS ?? 100),
    clients: Number(clients ?? Math.min(Math.ceil(connections / 10), GENERATED_CLIENTS_MAX)),
    lengthMs: Number(lengthS ?? 1) * 1_000,
    file: given.get('write-trace')?.[0],
  }
}

/** Undefined: not given. A string is an error message. */
function numberOf(
  given: Given,
  name: OptionName,
  {
    isWhole = false,
    least,
    most,
  }: { readonly least: number; readonly most: number; readonly isWhole?: boolean },
): number | string | undefined {
  const [text] = given.get(name) ?? []
  if (text === undefined) return undefined
  const pattern = isWhole ? /^\d{1,12}$/ : /^\d{1,12}(?:\.\d{1,9})?$/
  const value = pattern.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  return `option '--${name}' takes a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}, not '${text}'`
}

function isPolicy(text: string): text is PolicyName {
  return POLICY_NAMES.some((name) => name === text)
}

/** The times of a log contain hyphens. */
const TIME = String.raw`\d{4}-\d\d-\d\dT[\d:.]+Z|\d+(?:\.\d+)?`
const OUTAGE = new RegExp(`^(.+)@(${TIME})-(${TIME})?$`)

function outageOf(text: string): GivenOutage | string {
  const [, remote = '', from = '', to] = OUTAGE.exec(text) ?? []
  const [begin, end] = [timeOf(from), to === undefined ? undefined : timeOf(to)]
  if (Number.isNaN(begin.ms) || Number.isNaN(end?.ms)) {
    return `option '--down' takes <remote>@<from>-<to> as in web1@600-900, or with times as in web1@2026-11-22T11:41:03Z-, not '${text}'`
  }
  if (end !== undefined && end.isRelative === begin.isRelative && end.ms <= begin.ms) {
    return `option '--down': the outage ends before it begins: '${text}'`
  }
  return { text, remote, from: begin, to: end }
}

/** `ms` is NaN for text that is no time. */
function timeOf(text: string): GivenTime {
  const isRelative = /^\d+(?:\.\d+)?$/.test(text)
  return { isRelative, ms: isRelative ? Number(text) * 1_000 : parseAccessTime(text) }
}
