import type { Work } from './workload.js'

interface Sum {
  readonly bytes: number
  readonly seconds: number
}

interface Report {
  readonly error?: string
  readonly end?: { readonly sum_received?: Sum; readonly sum_received_bidir_reverse?: Sum }
}

function parse(output: string): Report {
  try {
    return JSON.parse(output) as Report
  } catch {
    throw new Error(`iperf3 printed no JSON: ${output.trim().slice(-300)}`)
  }
}

/** Counts received bytes: sent ones may still be buffered in the relay. */
export function readIperf3Output(output: string): Work {
  const { error, end } = parse(output)
  const sums = [end?.sum_received, end?.sum_received_bidir_reverse].filter((sum) => sum !== undefined)
  const units = sums.reduce((total, { bytes }) => total + bytes, 0)
  if (error !== undefined || units === 0) throw new Error(`iperf3: ${error ?? 'no byte arrived'}`)
  return { units, seconds: Math.max(...sums.map(({ seconds }) => seconds)), faults: [] }
}
