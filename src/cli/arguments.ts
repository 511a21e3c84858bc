import type { Arguments } from '../config/arguments.js'

/** What `tcprelay mavis-test` asks the modules of a configuration about. */
export interface MavisTestArguments {
  readonly arguments: Arguments
  /** The client's. */
  readonly address: string
  /** A file with the certificate that the client shows. */
  readonly certificate: string | undefined
}

export type ParsedArguments =
  | { readonly kind: 'run'; readonly arguments: Arguments }
  | ({ readonly kind: 'mavis-test' } & MavisTestArguments)
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'wrong'; readonly message: string }

interface Option {
  /** What its value is called in the help text; undefined for a flag. */
  readonly value?: string
  readonly help: string
}

/** The first word of a command line that asks modules instead of relaying; a file of that name is written `./mavis-test`. */
const MAVIS_TEST = 'mavis-test'

/** In the order in which the help text shows them. */
const OPTIONS: ReadonlyMap<string, Option> = new Map<string, Option>([
  ['P', { help: 'check the configuration and exit' }],
  ['1', { help: 'run as a single process' }],
  ['b', { help: 'run in the background' }],
  ['f', { help: 'run in the foreground' }],
  ['i', { value: 'id', help: 'section of the relay (default: the name of the program)' }],
  ['I', { value: 'id', help: 'section of the master (default: spawnd)' }],
  ['p', { value: 'file', help: 'write the process id to this file' }],
  ['t', { value: 'seconds', help: 'time that sessions have to finish after SIGTERM (default: 10)' }],
  ['d', { value: 'level', help: 'trace: the sum of the numbers in docs/operations.md' }],
  ['D', { help: 'log to stderr even if that is no terminal' }],
  ['v', { help: 'print the version and exit' }],
  ['h', { help: 'print this text and exit' }],
])

/** `Usage: …` in the order and words that the original's users know, with what each option does. */
export function usage(program: string): string {
  const rows = [...OPTIONS].map(([letter, { value, help }]) => {
    const left = value === undefined ? `-${letter}` : `-${letter} <${value}>`
    return `  ${left.padEnd(14)} ${help}`
  })
  return [
    `Usage: ${program} [ <Options> ] <configuration file> [ <id> ]`,
    `       ${program} ${MAVIS_TEST} [ <Options> ] <configuration file> <address> [ <certificate> ]`,
    '',
    'The configuration is a file or an http(s) URL; <id> names its section for the master.',
    `${MAVIS_TEST} asks its MAVIS modules about a client, and shows every step.`,
    '',
    'Options:',
    ...rows,
    '',
  ].join('\n')
}

/** Reads the command line as getopt(3) does: flags may be joined, a value may follow its letter. */
export function parseArguments(words: readonly string[]): ParsedArguments {
  const given = new Map<string, string>()
  const rest: string[] = []
  const isMavisTest = words[0] === MAVIS_TEST
  const queue = isMavisTest ? words.slice(1) : [...words]
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '--help') given.set('h', '')
    else if (word === '--version') given.set('v', '')
    else if (word === '--') rest.push(...queue.splice(0))
    else if (word.startsWith('-') && word !== '-') {
      const problem = readLetters(word, queue, given)
      if (problem !== undefined) return { kind: 'wrong', message: problem }
    } else rest.push(word)
  }
  return isMavisTest ? interpretMavisTest(given, rest) : interpret(given, rest)
}

/** Reads one word of options; a value may be the rest of it or the next word. */
function readLetters(word: string, queue: string[], given: Map<string, string>): string | undefined {
  for (let at = 1; at < word.length; at++) {
    const letter = word[at] as string
    const option = OPTIONS.get(letter)
    if (option === undefined) return `unknown option '-${letter}'`
    if (option.value === undefined) {
      // Of two contrary flags the last one counts.
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
  if (address === undefined) return { kind: 'wrong', message: 'the address of a client is needed' }
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
  if (configuration === undefined) return { kind: 'wrong', message: 'a configuration file is needed' }
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
