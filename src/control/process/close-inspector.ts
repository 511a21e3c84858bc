/** Keeps the inspector of Node closed, which SIGUSR1 would open. */
import { close, url } from 'node:inspector'

/** A signal that came before our handler is answered by a thread of Node's, some turns of the event loop later. */
const LOOK_EVERY_MS = 10
const LOOKS = 500

/** Known to Node 22.14 and later: SIGUSR1 never opens the inspector. */
const NO_SIGNAL = '--disable-sigusr1'

/** Without it the inspector tells everybody the name that one has to know to use it. */
const NO_PUBLIC_NAME = '--inspect-publish-uid=stderr'

/**
 * Keeps the inspector closed that Node opens to everybody on this machine when SIGUSR1 comes before our handler. Who
 * asked for an inspector on the command line keeps it.
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

/** What Node is started with for a process of ours: as this one was, and safe from SIGUSR1 from its first moment. */
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
