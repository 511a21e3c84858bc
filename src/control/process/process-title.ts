/** What a process list shows of a process: its load, and the configuration that it runs. */

import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { OVERLOAD_HINTS, type Overload } from '../../accept/connection-limit.js'

/** Refresh interval of the process title. */
const LOOK_EVERY_MS = 1_000

export interface Load {
  readonly connections: number
  /** Connections that it takes at most; undefined for a child, of which that is not shown. */
  readonly connectionsMax: number | undefined
  readonly overload: Overload
  /** It takes no more, and ends with its last connection. */
  readonly isDying: boolean
}

/** Which process it is. */
export interface Titled {
  /** The name that the program was started by. */
  readonly program: string
  /** Its configuration file, as it was given. */
  readonly configurationFile: string
}

/**
 * The longest title that fits into `roomBytes`. The words are those of the original; where they do not fit the load is two
 * numbers, so that the name of the configuration stays. No number is ever cut.
 */
export function titleOf({ configurationFile, program }: Titled, load: Load, roomBytes: number): string {
  const [words, short] = [`${program}: ${wordsOf(load)}`, `${program}: ${numbersOf(load)}`]
  const name = basename(configurationFile)
  const titles = [
    `${words} [${configurationFile}]`,
    `${words} [${name}]`,
    `${short} [${name}]`,
    short,
    program,
  ]
  return titles.find((title) => Buffer.byteLength(title) <= roomBytes) ?? program.slice(0, roomBytes)
}

function wordsOf({ connections, connectionsMax, isDying, overload }: Load): string {
  const count = `${connections} connection${connections === 1 ? '' : 's'}`
  if (isDying) return `${count} left, dying when idle`
  if (connectionsMax === undefined) return count
  const more = connectionsMax - connections
  return more > 0
    ? `${count}, accepting up to ${more} more`
    : `${count}, ${OVERLOAD_HINTS[overload]} new ones`
}

/** `3/480`, `3 left`, `3` */
function numbersOf({ connections, connectionsMax, isDying }: Load): string {
  if (isDying) return `${connections} left`
  return connectionsMax === undefined ? `${connections}` : `${connections}/${connectionsMax}`
}

/** Shows the load in the process list. */
export function keepTitle(titled: Titled, look: () => Load): void {
  const roomBytes = titleRoom()
  let last = ''
  const update = () => {
    const title = titleOf(titled, look(), roomBytes)
    if (title === last) return
    last = title
    process.title = title
  }
  update()
  setInterval(update, LOOK_EVERY_MS).unref()
}

/** A title takes the place of the command line, and the kernel shows no more than that was long, without its last NUL. */
function titleRoom(): number {
  try {
    return readFileSync('/proc/self/cmdline').length - 1
  } catch {
    return 0 // without /proc nobody lists processes either
  }
}
