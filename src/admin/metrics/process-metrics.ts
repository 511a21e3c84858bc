/** Metrics of the head as a process: processor, memory, descriptors, garbage collection, event loop. */
import { constants, PerformanceObserver, performance } from 'node:perf_hooks'
import type { RunningHead } from '../../control/head.js'
import type { Family, MetricText } from './metric-text.js'

const GC_KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak_callbacks',
}

/** Counts collections of the control thread from its creation on. */
export class ProcessMetrics {
  readonly #collections = new Map<string, { count: number; seconds: number }>()
  readonly #observer: PerformanceObserver

  constructor() {
    for (const kind of Object.values(GC_KINDS)) this.#collections.set(kind, { count: 0, seconds: 0 })
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        this.#note('detail' in entry ? entry.detail : undefined, entry.duration)
    })
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  close(): void {
    this.#observer.disconnect()
  }

  addTo(text: MetricText, { descriptors }: Pick<RunningHead, 'descriptors'>): void {
    const { system, user } = process.cpuUsage()
    const seconds = (name: string, type: Family['type'], help: string): Family => {
      return { name, type, help, unit: 'seconds' }
    }
    text.one(
      seconds('process_cpu_seconds', 'counter', 'Processor time of the head, its reactor included.'),
      (system + user) / 1e6,
    )
    text.one(
      seconds('process_start_time_seconds', 'gauge', 'Start of the head.'),
      performance.timeOrigin / 1_000,
    )
    text.one(
      {
        name: 'process_resident_memory_bytes',
        type: 'gauge',
        unit: 'bytes',
        help: 'Resident memory of the head.',
      },
      process.memoryUsage.rss(),
    )
    text.one(
      { name: 'process_open_fds', type: 'gauge', help: 'Open descriptors of the head.' },
      descriptors.open,
    )
    text.one({ name: 'process_max_fds', type: 'gauge', help: 'Limit of its descriptors.' }, descriptors.max)
    this.#addCollections(text)
    const { active, idle } = performance.eventLoopUtilization()
    text.add(
      seconds('tcprelay_event_loop_seconds', 'counter', 'Time of the event loop of the control thread.'),
      [
        [{ state: 'active' }, active / 1_000],
        [{ state: 'idle' }, idle / 1_000],
      ],
    )
  }

  #addCollections(text: MetricText): void {
    const all = [...this.#collections]
    text.add(
      { name: 'tcprelay_gc_runs', type: 'counter', help: 'Garbage collections of the control thread.' },
      all.map(([kind, { count }]) => [{ kind }, count] as const),
    )
    text.add(
      {
        name: 'tcprelay_gc_seconds',
        type: 'counter',
        unit: 'seconds',
        help: 'Time of its garbage collections.',
      },
      all.map(([kind, { seconds }]) => [{ kind }, seconds] as const),
    )
  }

  #note(detail: unknown, durationMs: number): void {
    const kind = typeof detail === 'object' && detail !== null && 'kind' in detail ? Number(detail.kind) : 0
    const collections = this.#collections.get(GC_KINDS[kind] ?? '')
    if (collections === undefined) return
    collections.count++
    collections.seconds += durationMs / 1_000
  }
}
