import type { Sample } from './sample.js'
import { type Interval, median, medianInterval } from './statistics.js'

const CONFIDENCE = 0.9

/** How the judged relay compares with another, each round with its own counterpart. */
export interface Ratio extends Interval {
  readonly median: number
}

/** The other percentiles of a distribution whose p99 is judged: medians of the rounds, in microseconds. */
export interface LatencyRow {
  readonly p50Us: number
  readonly p999Us: number
  readonly maxUs: number
  /** The generator's own lag, which all of these contain. */
  readonly lagP99Us: number
}

/** The result of all rounds of one relay with one workload. */
export interface Row {
  readonly relay: string
  readonly sampleCount: number
  /** The judged value: of a latency workload its p99, in seconds. */
  readonly costPerUnit: Ratio
  /** In seconds, also where something else is judged. */
  readonly cpuPerUnit: number
  readonly unitsPerSecond: number
  /** Undefined if the generator does not measure it. */
  readonly p99Ms: number | undefined
  /** Undefined if requests have no due time. */
  readonly latency: LatencyRow | undefined
  /** CPU time of the relay as a share of the window: below about 0.95 the other core was the limit. */
  readonly busyShare: number
  /** CPU time of the least busy child by that of the busiest; undefined with fewer than two children. */
  readonly evenness: number | undefined
  /** The worst of the rounds. */
  readonly foreignShareMax: number
  /** Cost per unit of the judged relay divided by this one's; undefined for the judged one itself. */
  readonly costRatio: Ratio | undefined
  readonly rateRatio: Ratio | undefined
}

function costPerUnitOf({ costPerUnit }: Sample): number {
  return costPerUnit
}

function latencyRow(samples: readonly Sample[]): LatencyRow | undefined {
  const latencies = samples.flatMap(({ work }) => work.latency ?? [])
  if (latencies.length === 0) return undefined
  return {
    p50Us: median(latencies.map(({ p50Us }) => p50Us)),
    p999Us: median(latencies.map(({ p999Us }) => p999Us)),
    maxUs: median(latencies.map(({ maxUs }) => maxUs)),
    lagP99Us: median(samples.flatMap(({ work }) => work.lag?.p99Us ?? [])),
  }
}

function rate({ work }: Sample): number {
  return work.units / work.seconds
}

function spread(values: readonly number[]): Ratio {
  return { median: median(values), ...medianInterval(values, CONFIDENCE) }
}

/** Rounds in which one of the two failed are left out. */
function ratioOf(
  judged: readonly Sample[],
  peer: readonly Sample[],
  figure: (sample: Sample) => number,
): Ratio | undefined {
  const ratios = peer.flatMap((sample) => {
    const counterpart = judged.find(({ round }) => round === sample.round)
    return counterpart === undefined ? [] : [figure(counterpart) / figure(sample)]
  })
  return ratios.length === 0 ? undefined : spread(ratios)
}

/** Cost per unit of one relay divided by that of another; undefined if they have no round in common. */
export function compare(
  samples: readonly Sample[],
  workload: string,
  relay: string,
  by: string,
): Ratio | undefined {
  const ofRelay = (name: string): Sample[] =>
    samples.filter((sample) => sample.workload === workload && sample.relay === name)
  return ratioOf(ofRelay(relay), ofRelay(by), costPerUnitOf)
}

function evennessOf(samples: readonly Sample[]): number | undefined {
  const shares = samples.flatMap(({ childCpuSeconds }) => {
    return childCpuSeconds.length < 2 ? [] : [Math.min(...childCpuSeconds) / Math.max(...childCpuSeconds)]
  })
  return shares.length === 0 ? undefined : median(shares)
}

function rowOf(relay: string, samples: readonly Sample[], judged: readonly Sample[]): Row {
  const p99s = samples.flatMap(({ work }) => (work.p99Ms === undefined ? [] : [work.p99Ms]))
  const isJudged = samples[0]?.relay === judged[0]?.relay
  return {
    relay,
    sampleCount: samples.length,
    costPerUnit: spread(samples.map(costPerUnitOf)),
    cpuPerUnit: median(samples.map(({ cpuSeconds, work }) => cpuSeconds / work.units)),
    unitsPerSecond: median(samples.map(rate)),
    p99Ms: p99s.length === 0 ? undefined : median(p99s),
    latency: latencyRow(samples),
    busyShare: median(samples.map(({ cpuSeconds, windowSeconds }) => cpuSeconds / windowSeconds)),
    evenness: evennessOf(samples),
    foreignShareMax: Math.max(...samples.map(({ foreignShare }) => foreignShare)),
    costRatio: isJudged ? undefined : ratioOf(judged, samples, costPerUnitOf),
    rateRatio: isJudged ? undefined : ratioOf(judged, samples, rate),
  }
}

/** One row per relay with samples, in the order given; the first relay is the judged one. */
export function summarise(samples: readonly Sample[], workload: string, relays: readonly string[]): Row[] {
  const ofRelay = (name: string): Sample[] =>
    samples.filter((sample) => sample.workload === workload && sample.relay === name)
  const judged = ofRelay(relays[0] ?? '')
  return relays.flatMap((name) => {
    const own = ofRelay(name)
    return own.length === 0 ? [] : [rowOf(name, own, judged)]
  })
}
