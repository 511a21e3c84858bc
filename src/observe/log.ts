import { DEBUG, INFO, NOTICE, SEVERITIES } from './severity.js'
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

/** Takes a line with its line end. */
export type WriteLine = (line: string) => void

/** Where the lines of a process go. */
export interface LogTargets {
  readonly syslog: Syslog | undefined
  /** Gets readable lines as well. */
  readonly echo: WriteLine | undefined
  /** Without `echo`: gets the lines that the system's log does not take. */
  readonly fallback?: WriteLine
  /** Gets all traces, which then go nowhere else. */
  readonly trace: WriteLine | undefined
}

/** The log of a process: the system's log, readable lines, or both. */
export class Log {
  readonly #options: LogOptions
  readonly #targets: LogTargets

  constructor(options: LogOptions, targets: LogTargets) {
    this.#options = options
    this.#targets = targets
  }

  readonly say: Say = (severity, text) => {
    const { facility, ident, pid } = this.#options
    const { echo, fallback, syslog, trace } = this.#targets
    const at = new Date()
    const line = printable(text)
    const readable = () =>
      `${at.toISOString()} ${ident}[${pid}] ${SEVERITIES[severity]?.toLowerCase()}: ${line}\n`
    if (severity === DEBUG && trace !== undefined) {
      trace(readable())
      return
    }
    const priority = facility * 8 + this.#severityOf(severity)
    const isSent = syslog?.send(syslogDatagram(priority, at, ident, pid, line)) ?? false
    if (echo !== undefined) echo(readable())
    else if (!isSent) fallback?.(readable())
  }

  #severityOf(severity: number): number {
    return severity === INFO || severity === NOTICE ? this.#options.severity : severity
  }
}

/** One line stays one line that no terminal obeys, whatever a peer or a file made of it. */
export function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, escaped)
}

/** The same, and no blanks: a value among others. */
export function printableWord(text: string): string {
  return text.replace(/[\x00-\x20\x7f-\x9f]/g, escaped)
}

/** Marks a text that was cut. */
const CUT_MARK = '...'

const encoder = new TextEncoder()

/** At most so many bytes of a text that strangers have chosen, whole characters only. */
export function cut(text: string, bytesMax: number): string {
  // A UTF-16 unit takes three bytes of UTF-8 at most.
  if (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax) return text
  const { read } = encoder.encodeInto(text, new Uint8Array(bytesMax - CUT_MARK.length))
  return `${text.slice(0, read)}${CUT_MARK}`
}

function escaped(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
}
