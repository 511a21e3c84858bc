import type { Work } from './workload.js'

const SECONDS_PER: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 }

/** wrk's times: `950.00us`, `1.36ms`, `2.00s`, `1.50m`. */
export function secondsOf(text: string): number {
  const match = /^([\d.]+)(us|ms|s|m|h)$/.exec(text)
  const scale = SECONDS_PER[match?.[2] ?? '']
  if (match === null || scale === undefined) throw new Error(`'${text}' is not a time of wrk's`)
  return Number(match[1]) * scale
}

function faultsIn(output: string): string[] {
  return ['Socket errors', 'Non-2xx or 3xx responses'].flatMap((label) => {
    const line = output.split('\n').find((text) => text.includes(label))
    return line === undefined ? [] : [line.trim()]
  })
}

export function readWrkOutput(output: string): Work {
  const total = /(\d+) requests in ([\d.]+\w+),/.exec(output)
  const units = Number(total?.[1] ?? 0)
  if (units === 0) throw new Error(`wrk completed no request: ${output.trim().slice(-300)}`)
  const p99 = /^\s+99%\s+(\S+)/m.exec(output)?.[1]
  return {
    units,
    seconds: secondsOf(total?.[2] ?? ''),
    ...(p99 === undefined ? {} : { p99Ms: secondsOf(p99) * 1e3 }),
    faults: faultsIn(output),
  }
}
