import type { Work } from './workload.js'

/** The output of the client of `both-ways.ts`: bytes that arrived. */
export interface BothWaysReport {
  readonly upBytes: number
  readonly downBytes: number
  readonly seconds: number
  /** Why it ended early. */
  readonly complaint?: string
}

function parse(output: string): BothWaysReport {
  try {
    return JSON.parse(output) as BothWaysReport
  } catch {
    throw new Error(`the client ended: ${output.trim().slice(-300)}`)
  }
}

export function readBothWaysOutput(output: string): Work {
  const { upBytes, downBytes, seconds, complaint } = parse(output)
  if (complaint !== undefined) throw new Error(complaint)
  if (upBytes === 0 || downBytes === 0) throw new Error(`no byte went ${upBytes === 0 ? 'up' : 'down'}`)
  return { units: upBytes + downBytes, seconds, faults: [] }
}
