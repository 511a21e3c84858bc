import { INFO, NOTICE, SEVERITIES } from './severity.js'
import { type Syslog, syslogDatagram } from './syslog.js'
import type { Say } from './trace.js'

export interface LogOptions {
  readonly ident: string
  readonly pid: number
  /** A value of FACILITIES. */
  readonly facility: number
  /** What ordinary lines are sent with; problems and traces keep their own severity. */
  readonly severity: number
}

/** Where the lines of a process go: the system's log, and readable lines to `echo` when it is given. */
export class Log {
  readonly #options: LogOptions
  readonly #syslog: Syslog | undefined
  readonly #echo: ((line: string) => void) | undefined

  constructor(options: LogOptions, syslog: Syslog | undefined, echo: ((line: string) => void) | undefined) {
    this.#options = options
    this.#syslog = syslog
    this.#echo = echo
  }

  readonly say: Say = (severity, text) => {
    const { facility, ident, pid } = this.#options
    const at = new Date()
    const line = printable(text)
    this.#syslog?.send(syslogDatagram(facility * 8 + this.#severityOf(severity), at, ident, pid, line))
    this.#echo?.(`${at.toISOString()} ${ident}[${pid}] ${SEVERITIES[severity]?.toLowerCase()}: ${line}\n`)
  }

  #severityOf(severity: number): number {
    return severity === INFO || severity === NOTICE ? this.#options.severity : severity
  }
}

/** One line stays one line, whatever a peer or a file made of it. */
export function printable(text: string): string {
  return text.replace(
    /[\x00-\x1f\x7f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
