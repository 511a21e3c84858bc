/** Parses the command line of tcprelay and spawnd, and generates its help text. */
import type { Arguments } from '../config/arguments.js'
import { parseSimulateArguments, SIMULATE, type SimulateArguments } from './simulate-arguments.js'

/** Arguments of `tcprelay mavis-test`, which queries the MAVIS modules of a configuration. */
export interface MavisTestArguments {
  readonly arguments: Arguments
  /** Address of the client. */
  readonly address: string
  /** File with the client certificate. */
  readonly certificate: string | undefined
}

export type ParsedArguments =
  | { readonly kind: 'run'; readonly arguments: Arguments }
  | ({ readonly kind: 'mavis-test' } & MavisTestArguments)
  | ({ readonly kind: 'simulate' } & SimulateArguments)
  | { readonly kind: 'help' }
  | { readonly kind: 'simulate-help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'wrong'; readonly message: string }

interface Option {
  /** Name of its value in the help text; undefined for a flag. */
  readonly value?: string
  readonly help: string
}

/** First argument that selects the test of MAVIS modules; a configuration file of that name is written `./mavis-test`. */
const MAVIS_TEST = 'mavis-test'

/** In the order of the help text. */
const OPTIONS: ReadonlyMap<string, Option> = new Map<string, Option>([
  ['P', { help: 'check the configuration and exit' }],
  ['1', { help: 'run as a single process' }],
  ['b', { help: 'run in the background' }],
  ['f', { help: 'run in the foreground' }],
  ['i', { value: 'id', help: 'section of the relay (default: the program name)' }],
  ['I', { value: 'id', help: 'section of the master (default: spawnd)' }],
  ['p', { value: 'file', help: 'write the process id to this file' }],
  ['t', { value: 'seconds', help: 'time for sessions to finish after SIGTERM (default: 10)' }],
  ['d', { value: 'level', help: 'trace output: sum of the bits in docs/operations.md' }],
  ['D', { help: 'log to stderr even if it is not a terminal' }],
  ['v', { help: 'print the version and exit' }],
  ['h', { help: 'print this text and exit' }],
])

/** The help text, in the order and wording of the original. */
export function usage(program: string): string {
  const rows = [...OPTIONS].map(([letter, { value, help }]) => {
    const left = value === undefined ? `-${letter}` : `-${letter} <${value}>`
    return `  ${left.padEnd(14)} ${help}`
  })
  return [
    `Usage: ${program} [ <Options> ] <configuration file> [ <id> ]`,
    `       ${program} ${MAVIS_TEST} [ <Options> ] <configuration file> <address> [ <certificate> ]`,
    `       ${program} ${SIMULATE} [ <Options> ] <configuration file> [ <id> ]`,
    '',
    'The configuration is a file or an http(s) URL; <id> is the section of the master.',
    `${MAVIS_TEST} queries the MAVIS modules about a client and prints every step.`,
    `${SIMULATE} shows which remotes the clients of an access log would get: ${program} ${SIMULATE} -h.`,
    '',
    'Options:',
    ...rows,
    '',
  ].join('\n')
}

export function parseArguments(words: readonly string[]): ParsedArguments {
  const [command, ...others] = words
  if (command === MAVIS_TEST) return parseOptions(others, interpretMavisTest)
  const parse = (rest: readonly string[]) => parseOptions(rest, interpret)
  return command === SIMULATE ? parseSimulateArguments(others, parse) : parse(words)
}

/** Parses options like getopt(3): flags may be combined, a value may directly follow its letter. */
function parseOptions(words: readonly string[], interpretAs: typeof interpret): ParsedArguments {
  const given = new Map<string, string>()
  const rest: string[] = []
  const queue = [...words]
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '--help') given.set('h', '')
    else if (word === '--version') given.set('v', '')
    else if (word === '--') rest.push(...queue.splice(0))
    else if (word.startsWith('-') && word !== '-') {
      const problem = readLetters(word, queue, given)
      if (problem !== undefined) return { kind: 'wrong', message: problem }
    } else rest.push(word)
  }
  return interpretAs(given, rest)
}

/** Parses one word of options; a value is the rest of the word or the next word. Returns an error message. */
function readLetters(word: string, queue: string[], given: Map<string, string>): string | undefined {
  for (let at = 1; at < word.length; at++) {
    const letter = word[at] as string
    const option = OPTIONS.get(letter)
    if (option === undefined) return `unknown option '-${letter}'`
    if (option.value === undefined) {
      // -b and -f contradict each other: the last one overrides.
      given.delete(letter === 'b' ? 'f' : letter === 'f' ? 'b' : '')
      given.set(letter, '')
      continue
    }
    const value = word.slice(at + 1) || queue.shift()
    if (value === undefined) return `option '-${letter}' needs a value: <${option.value}>`
    given.set(letter, value)
    return undefined
  }
  return undefined
}

function interpretMavisTest(given: ReadonlyMap<string, string>, rest: readonly string[]): ParsedArguments {
  const [configuration, address, certificate, surplus] = rest
  if (surplus !== undefined) return { kind: 'wrong', message: `unexpected argument '${surplus}'` }
  const read = interpret(given, configuration === undefined ? [] : [configuration])
  if (read.kind !== 'run') return read
  if (address === undefined) return { kind: 'wrong', message: 'missing argument: address of a client' }
  return { kind: 'mavis-test', arguments: read.arguments, address, certificate }
}

function interpret(given: ReadonlyMap<string, string>, rest: readonly string[]): ParsedArguments {
  if (given.has('h')) return { kind: 'help' }
  if (given.has('v')) return { kind: 'version' }
  for (const letter of ['d', 't']) {
    const value = given.get(letter)
    if (value !== undefined && !/^\d{1,9}$/.test(value)) {
      return { kind: 'wrong', message: `option '-${letter}' takes a number, not '${value}'` }
    }
  }
  const [configuration, id, surplus] = rest
  if (configuration === undefined) return { kind: 'wrong', message: 'missing argument: configuration file' }
  if (surplus !== undefined) return { kind: 'wrong', message: `unexpected argument '${surplus}'` }
  const grace = given.get('t')
  return {
    kind: 'run',
    arguments: {
      configuration,
      id,
      isCheckOnly: given.has('P'),
      debugMask: Number(given.get('d') ?? 0),
      isDebugOnStderr: given.has('D'),
      childId: given.get('i'),
      masterId: given.get('I'),
      pidfile: given.get('p'),
      background: given.has('b') ? true : given.has('f') ? false : undefined,
      isSingleProcess: given.has('1'),
      gracePeriodS: grace === undefined ? undefined : Number(grace),
    },
  }
}
