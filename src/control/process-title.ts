import { OVERLOAD_HINTS, type Overload } from '../accept/gate.js'

/** Nobody reads a process list faster. */
const LOOK_EVERY_MS = 1_000

/** What a process list shows of a process. */
export interface Load {
  readonly connections: number
  /** Connections that it takes at most; undefined for a child, of which that is not shown. */
  readonly connectionsMax: number | undefined
  readonly overload: Overload
  /** It takes no more, and ends with its last connection. */
  readonly isDying: boolean
}

/** In the words of the original. */
export function titleOf(program: string, load: Load): string {
  const { connections, connectionsMax, isDying, overload } = load
  const count = `${program}: ${connections} connection${connections === 1 ? '' : 's'}`
  if (isDying) return `${count} left, dying when idle`
  if (connectionsMax === undefined) return count
  const more = connectionsMax - connections
  return more > 0
    ? `${count}, accepting up to ${more} more`
    : `${count}, ${OVERLOAD_HINTS[overload]} new ones`
}

/**
 * Shows the load in the process list, as far as the kernel has room for it: a title is cut to the length of the command
 * line.
 */
export function keepTitle(program: string, look: () => Load): void {
  let last = ''
  const update = () => {
    const title = titleOf(program, look())
    if (title === last) return
    last = title
    process.title = title
  }
  update()
  setInterval(update, LOOK_EVERY_MS).unref()
}
