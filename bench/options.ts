import { parseArgs } from 'node:util'
import { QUICK_WORKLOADS } from './workloads/index.js'

export interface Options {
  readonly isHelp: boolean
  readonly isSaved: boolean
  readonly isQuick: boolean
  readonly rounds: number
  readonly seconds: number
  readonly warmUpMs: number
  /** Limit of repeated measurements in the whole run. */
  readonly repeatsMax: number
  /** No round is started that would end later; only `--quick` has this limit, and not with explicit `--rounds`. */
  readonly limitSeconds: number | undefined
  readonly connections: number
  /** Names, in any order; all when undefined. */
  readonly workloads: readonly string[] | undefined
  readonly relays: readonly string[] | undefined
  readonly subject: string | undefined
}

export const USAGE = `npm run bench -- [options]

  --quick               less of everything, under two minutes
  --rounds N            how often each relay is measured (9; quick: 3)
  --seconds N           length of one measurement (3; quick: 1)
  --connections N       connections at a time where there are many (64)
  --only A,B            workloads: requests, requests-1, connections, latency, latency-connections,
                        bulk-down, bulk-up, bulk-both, idle, names, proxy-in-v1, proxy-out-v1, proxy-in-v2,
                        proxy-out-v2, tls-requests, tls-handshakes, tls-handshakes-rsa,
                        tls-resumed, tls-bulk-down, tls-bulk-up, tls-bulk-both, tls-idle
  --relays A,B          relays: tcprelay, haproxy, haproxy-splice, nginx, hitch and stunnel (TLS only), net, socat,
                        tcprelay-production and haproxy-log (with logs and timeouts), tcprelay-broker-1, -2 and -2-cores,
                        tcprelay-direct-1, -2 and -2-cores (children); the first is the one judged; a name may be given twice to see how much two equal relays differ
  --subject 'COMMAND'   judge this program instead; LISTENPORT, REMOTEHOST and REMOTEPORT are filled in;
                        with CERTFILE and KEYFILE, or PEMFILE (both in one), it is measured with TLS
  --save                write JSON, Markdown and charts (SVG) to bench/results/
  --help
`

/** Nine pairs: their interval of 90 % or more does not include the single worst pair. */
const ROUNDS = 9

/** A busy machine, where every program starts slowly, gets fewer rounds instead of more time. */
const QUICK_SECONDS = 115

/**
 * Before each measurement. After a second of some 700 handshakes, or with its load spread over two children, a
 * program with a JIT compiler still costs a tenth more than it will.
 */
const WARM_UP_MS = 3_000

const TEXT = { type: 'string' } as const
const SWITCH = { type: 'boolean', default: false } as const

function count(name: string, text: string | undefined, standard: number, max: number): number {
  if (text === undefined) return standard
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new Error(`--${name} takes a whole number from 1 to ${max}, not '${text}'`)
  }
  return value
}

function names(text: string | undefined): readonly string[] | undefined {
  return text?.split(',').map((name) => name.trim())
}

/** Reads the command line; throws with a message for the user. Limits keep any run bounded. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: SWITCH,
      quick: SWITCH,
      save: SWITCH,
      rounds: TEXT,
      seconds: TEXT,
      connections: TEXT,
      only: TEXT,
      relays: TEXT,
      subject: TEXT,
    },
  })
  const rounds = count('rounds', values.rounds, values.quick ? 3 : ROUNDS, 100)
  return {
    isHelp: values.help,
    isSaved: values.save,
    isQuick: values.quick,
    rounds,
    seconds: count('seconds', values.seconds, values.quick ? 1 : 3, 600),
    warmUpMs: values.quick ? 400 : WARM_UP_MS,
    repeatsMax: values.quick ? 0 : 4 * rounds,
    limitSeconds: values.quick && values.rounds === undefined ? QUICK_SECONDS : undefined,
    connections: count('connections', values.connections, 64, 1_500),
    workloads: names(values.only) ?? (values.quick ? QUICK_WORKLOADS : undefined),
    relays: names(values.relays),
    subject: values.subject,
  }
}
