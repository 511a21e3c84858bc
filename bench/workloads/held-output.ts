import type { Work } from './workload.js'

/** The output of `hold-generator.ts`. */
export interface HeldReport {
  /** Connections that have had their reply and stay open. */
  readonly connections: number
  readonly seconds: number
}

export function readHeldOutput(output: string): Work {
  const { connections, seconds } = parse(output)
  if (connections === 0) throw new Error('no connection was opened')
  return { units: connections, seconds, faults: [] }
}

function parse(output: string): HeldReport {
  try {
    return JSON.parse(output) as HeldReport
  } catch {
    throw new Error(`the clients ended: ${output.trim().slice(-300)}`)
  }
}
