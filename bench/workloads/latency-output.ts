import type { LoadReport } from '../open-loop/run-load.js'
import type { Work } from './workload.js'

function parse(output: string): LoadReport {
  try {
    return JSON.parse(output) as LoadReport
  } catch {
    throw new Error(`the generator ended: ${output.trim().slice(-300)}`)
  }
}

/** Reads what `open-loop/main.ts` prints. The lead-in is work like any other, but not in the percentiles. */
export function readLatencyOutput(output: string, kind: 'requests' | 'wholeConnections'): Work {
  const { seconds, [kind]: tally } = parse(output)
  if (tally === undefined || tally.recorded === 0) {
    throw new Error(`no reply came: ${tally?.complaint ?? 'nobody knows why'}`)
  }
  const { answered, broken, complaint, latency, lag } = tally
  const faults = broken === 0 ? [] : [`${broken} had no reply: ${complaint ?? 'nobody knows why'}`]
  return { units: answered, seconds, latency, lag, faults }
}
