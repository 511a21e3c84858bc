/** Keeps the inspector of Node closed, which SIGUSR1 would open. */
import { close, url } from 'node:inspector'

/**
 * Node handles a signal that arrives before our handler on another thread, some turns of the event loop
 * later: 5 s in all.
 */
const LOOK_EVERY_MS = 10
const LOOKS = 500

/** Supported by Node 22.14 and later: SIGUSR1 does not open the inspector. */
const NO_SIGNAL = '--disable-sigusr1'

/** By default the inspector publishes over HTTP the id that a client needs to attach; this limits it to stderr. */
const NO_PUBLIC_NAME = '--inspect-publish-uid=stderr'

/**
 * Closes the inspector that Node opens on SIGUSR1 before our handler is installed: every user of this machine could
 * attach to it. An inspector that the command line requests stays open.
 */
export function keepInspectorClosed(): void {
  if (isInspectorWanted() || process.execArgv.includes(NO_SIGNAL)) return
  closeInspector()
  let looks = 0
  const timer = setInterval(() => {
    closeInspector()
    if (++looks === LOOKS) clearInterval(timer)
  }, LOOK_EVERY_MS).unref()
}

/** Options of Node for a process of ours: those of this process, and one against SIGUSR1 during start-up. */
export function nodeWords(known: ReadonlySet<string> = process.allowedNodeEnvironmentFlags): string[] {
  const { execArgv } = process
  const word = known.has(NO_SIGNAL) ? NO_SIGNAL : NO_PUBLIC_NAME
  return isInspectorWanted() || execArgv.includes(word) ? execArgv : [...execArgv, word]
}

function isInspectorWanted(): boolean {
  return [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((word) =>
    /--inspect(-brk|-wait|-port)?(=|\s|$)/.test(word),
  )
}

function closeInspector(): void {
  if (url() !== undefined) close()
}
