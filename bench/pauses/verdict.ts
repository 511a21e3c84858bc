import { figure, percent } from '../report/cells.js'
import { textTable } from '../report/table.js'
import { byThread, type Collection, collectionsIn } from './gc-trace.js'
import { BYTES_PER_S, type Reading, SETTLE_MS } from './run.js'

/** Longer pauses of the reactor under load are a failure. */
const PAUSE_MAX_MS = 5
/** Of the bytes that should be sent; below it the pauses are those of another load. */
const REACHED_MIN = 0.98

export interface Verdict {
  readonly text: string
  /** Why the run failed; empty on success. */
  readonly faults: readonly string[]
}

function longest(collections: readonly Collection[]): Collection | undefined {
  return collections.toSorted((a, b) => b.pauseMs - a.pauseMs)[0]
}

function rowOf(name: string, collections: readonly Collection[]): readonly string[] {
  const sumMs = collections.reduce((sum, { pauseMs }) => sum + pauseMs, 0)
  const majors = collections.filter(({ isMajor }) => isMajor).length
  const longestMs = longest(collections)?.pauseMs ?? 0
  return [name, String(collections.length), String(majors), longestMs.toFixed(2), figure(sumMs)]
}

function loadLines({ window, bulk, connections }: Reading): string {
  const whole = connections.wholeConnections
  const relayShare = percent(window.cpuSeconds / window.windowSeconds)
  return [
    `${figure(bulk.bytes / bulk.seconds / 1e6)} MB/s for ${figure(bulk.seconds)} s`,
    `${figure((whole?.answered ?? 0) / connections.seconds)} new connections/s: p50 ${figure(whole?.latency.p50Us ?? 0)}, ` +
      `p99 ${figure(whole?.latency.p99Us ?? 0)}, p99.9 ${figure(whole?.latency.p999Us ?? 0)} µs from due to reply; ` +
      `generator late: p99 ${figure(whole?.lag.p99Us ?? 0)} µs`,
    `at most ${whole?.pendingMax ?? 0} connections waited for a reply at the same time`,
    `the relay used ${relayShare} of its core, other programs ${percent(window.foreignShare)} of the two cores`,
  ].join('\n')
}

export function judge(reading: Reading): Verdict {
  const { trace, loadAtMs, bulk, connections } = reading
  const { control, reactor } = byThread(collectionsIn(trace))
  const isUnderLoad = ({ ageMs }: Collection): boolean => ageMs > loadAtMs - SETTLE_MS / 2
  const isBefore = (collection: Collection): boolean => !isUnderLoad(collection)
  const worst = longest(reactor.filter(isUnderLoad))
  const table = textTable([
    ['collections of', 'all', 'major', 'longest ms', 'sum ms'],
    rowOf('reactor, under load', reactor.filter(isUnderLoad)),
    rowOf('reactor, before', reactor.filter(isBefore)),
    rowOf('control thread, under load', control.filter(isUnderLoad)),
    rowOf('control thread, before', control.filter(isBefore)),
  ])
  const { broken = 0, complaint } = connections.wholeConnections ?? {}
  const reached = bulk.bytes / bulk.seconds / BYTES_PER_S
  return {
    text: `${[loadLines(reading), table, ...(worst === undefined ? [] : [`the reactor's longest: ${worst.line}`])].join('\n\n')}\n`,
    faults: [
      ...(reached < REACHED_MIN ? [`the bulk reached ${percent(reached)} of its rate`] : []),
      ...(broken > 0 ? [`${broken} connections had no reply: ${complaint}`] : []),
      ...((worst?.pauseMs ?? 0) > PAUSE_MAX_MS
        ? [`the reactor stood still for more than ${PAUSE_MAX_MS} ms`]
        : []),
    ],
  }
}
