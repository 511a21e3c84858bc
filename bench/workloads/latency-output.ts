import type { LoadReport } from '../open-loop/run-load.js'
import type { Work } from './workload.js'

function parse(output: string): LoadReport {
  try {
    return JSON.parse(output) as LoadReport
  } catch {
    throw new Error(`the generator ended: ${output.trim().slice(-300)}`)
  }
}

/** Parses the output of `open-loop/main.ts`. The lead-in counts as work, but not in the percentiles. */
export function readLatencyOutput(output: string, kind: 'requests' | 'wholeConnections'): Work {
  const { seconds, [kind]: tally } = parse(output)
  if (tally === undefined || tally.recorded === 0) {
    throw new Error(`no reply came: ${tally?.complaint ?? 'the reason is unknown'}`)
  }
  const { answered, broken, complaint, latency, lag } = tally
  const faults = broken === 0 ? [] : [`${broken} had no reply: ${complaint ?? 'the reason is unknown'}`]
  return { units: answered, seconds, latency, lag, faults }
}
