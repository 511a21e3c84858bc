import type { Work } from './workload.js'

/** The output of `tls-generator.ts`. */
export interface GeneratorReport {
  /** Connections that got their reply. */
  readonly connections: number
  readonly resumed: number
  readonly seconds: number
  readonly p99Ms?: number
  readonly broken: number
  /** Why the first of them broke. */
  readonly complaint?: string
}

function parse(output: string): GeneratorReport {
  try {
    return JSON.parse(output) as GeneratorReport
  } catch {
    throw new Error(`the TLS clients ended: ${output.trim().slice(-300)}`)
  }
}

/** A relay that resumes where it should not, or does not where it should, has done different work than requested. */
export function readTlsOutput(output: string, handshake: 'full' | 'resumed'): Work {
  const { connections, resumed, seconds, p99Ms, broken, complaint } = parse(output)
  if (connections === 0)
    throw new Error(`no connection got its reply: ${complaint ?? 'the reason is unknown'}`)
  const wrong = handshake === 'full' ? resumed : connections - resumed
  const faults = [
    ...(broken === 0 ? [] : [`${broken} connections broke: ${complaint ?? 'the reason is unknown'}`]),
    ...(wrong === 0 ? [] : [`${wrong} of ${connections} handshakes were not ${handshake}`]),
  ]
  return { units: connections, seconds, ...(p99Ms === undefined ? {} : { p99Ms }), faults }
}
