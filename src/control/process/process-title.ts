/** The process title: load and configuration file. */

import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { OVERLOAD_HINTS, type Overload } from '../../accept/connection-limit.js'

/** Refresh interval of the process title. */
const LOOK_EVERY_MS = 1_000

export interface Load {
  readonly connections: number
  /** Limit of connections; undefined for a child, whose title does not show it. */
  readonly connectionsMax: number | undefined
  readonly overload: Overload
  /** It accepts no more connections, and exits after the last one. */
  readonly isDying: boolean
}

/** Identifies the process in its title. */
export interface Titled {
  /** Name by which the program was started. */
  readonly program: string
  /** Its configuration file, as on the command line. */
  readonly configurationFile: string
}

/**
 * The longest title that fits into `roomBytes`. The words are those of the original; if they do not fit, the load is
 * shortened to two numbers to keep the name of the configuration. Numbers are never truncated.
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
  // Read once, before the first title changes it.
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

/** The title overwrites the command line, so the kernel limits it to that length, without the final NUL. */
function titleRoom(): number {
  try {
    return readFileSync('/proc/self/cmdline').length - 1
  } catch {
    return 0 // without /proc there is no process list
  }
}
