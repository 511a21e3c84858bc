/** One garbage collection, from a line of V8's `--trace-gc`. */
export interface Collection {
  /** The address by which V8 distinguishes threads of a process. */
  readonly isolate: string
  /** Since that isolate was created. */
  readonly ageMs: number
  readonly isMajor: boolean
  /** The longest single pause of the thread for it. */
  readonly pauseMs: number
  /** Why, in V8's words: `allocation failure`, `task`; `testing` for one that a program requested by `gc()`. */
  readonly reason: string
  readonly line: string
}

/** `[519:0x910c090]   56 ms: Scavenge 4.3 (5.5) -> 3.7 (5.5) MB, 1.03 / 0.01 ms  (average mu = …) allocation failure;` */
const LINE = /^\[\d+:(0x[0-9a-f]+)[^\]]*\] +(\d+) ms: ([A-Z][\w-]+).* -> .*?, ([\d.]+) \/ [\d.]+ ms +(.*)$/
/** Marking is mostly done in earlier steps, which pause the thread, too. */
const BIGGEST_STEP = /biggest step ([\d.]+) ms/
const REASON = /\) ([a-z][^;]*);/

function collectionOf(line: string): readonly Collection[] {
  const [, isolate, ageMs, kind, finalMs, rest = ''] = LINE.exec(line) ?? []
  if (isolate === undefined) return []
  const stepMs = BIGGEST_STEP.exec(rest)?.[1] ?? 0
  return [
    {
      isolate,
      ageMs: Number(ageMs),
      isMajor: kind !== 'Scavenge',
      pauseMs: Math.max(Number(finalMs), Number(stepMs)),
      reason: REASON.exec(rest)?.[1] ?? '',
      line,
    },
  ]
}

export function collectionsIn(trace: string): readonly Collection[] {
  return trace.split('\n').flatMap(collectionOf)
}

/** The collections of a single process's two threads. */
export interface ThreadCollections {
  readonly control: readonly Collection[]
  readonly reactor: readonly Collection[]
}

/**
 * Identifies the threads. The trace has addresses only; but a process that was started with `MARK_CONTROL_THREAD`
 * begins its trace with a collection that its main thread has requested, before there is another thread.
 */
export function byThread(collections: readonly Collection[]): ThreadCollections {
  const [mark, ...others] = collections
  if (mark?.reason !== 'testing') throw new Error('the trace does not begin with the requested collection')
  const control = others.filter(({ isolate }) => isolate === mark.isolate)
  const reactor = others.filter(({ isolate }) => isolate !== mark.isolate)
  if (new Set(reactor.map(({ isolate }) => isolate)).size > 1) {
    throw new Error('more than two threads run JavaScript: which one is the reactor?')
  }
  return { control, reactor }
}

/**
 * For Node, before the program: the flags apply to all threads of the process, unlike `execArgv` of a worker. The
 * module that is loaded first runs in workers, too.
 */
export const MARK_CONTROL_THREAD: readonly string[] = [
  '--trace-gc',
  '--expose-gc',
  '--import',
  "data:text/javascript,import{isMainThread}from'node:worker_threads';if(isMainThread)gc()",
]
