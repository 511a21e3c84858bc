/**
 * The log of a process. Read this folder from here: a reactor writes lines to a ring (`log-ring.ts`), the control
 * thread reads them and writes them by `Log` to syslog (`syslog.ts`) or a descriptor (`line-output.ts`).
 * `access-line.ts` formats the access log, `rate-limited-log.ts` limits lines that peers can cause, `trace.ts` has
 * the debug channels, `counters.ts` the counters in shared memory, and `boundary.ts` contains exceptions.
 */
import { DEBUG, INFO, NOTICE, SEVERITIES } from './severity.js'
import { type Syslog, syslogDatagram } from './syslog.js'
import type { Say } from './trace.js'

export interface LogOptions {
  readonly ident: string
  readonly pid: number
  /** A value of FACILITIES. */
  readonly facility: number
  /** Severity for INFO and NOTICE lines; warnings, errors and traces keep their own. */
  readonly severity: number
}

/** Writes a line, which includes its line end. */
export type WriteLine = (line: string, severity: number) => void

/** The destinations of a process's log. */
export interface LogTargets {
  readonly syslog: Syslog | undefined
  /** Also gets every line, with time and severity (stderr in the foreground). */
  readonly echo: WriteLine | undefined
  /** Without `echo`: gets the lines that syslog does not take. */
  readonly fallback?: WriteLine
  /** Gets all trace lines instead of the other destinations. */
  readonly trace: WriteLine | undefined
}

/** The log of a process: syslog, lines with time and severity, or both. */
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
      trace(readable(), severity)
      return
    }
    const priority = facility * 8 + this.#severityOf(severity)
    const isSent = syslog?.send(syslogDatagram(priority, at, ident, pid, line)) ?? false
    if (echo !== undefined) echo(readable(), severity)
    else if (!isSent) fallback?.(readable(), severity)
  }

  #severityOf(severity: number): number {
    return severity === INFO || severity === NOTICE ? this.#options.severity : severity
  }
}

/** Escapes control characters: no line break and no terminal sequence in text from peers or files. */
export function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, escaped)
}

/** Also escapes blanks: for values of `name=value` pairs. */
export function printableWord(text: string): string {
  return text.replace(/[\x00-\x20\x7f-\x9f]/g, escaped)
}

/** Marks a truncated text. */
const CUT_MARK = '...'

const encoder = new TextEncoder()

/** Truncates a text that peers control to `bytesMax` bytes, between characters. */
export function cut(text: string, bytesMax: number): string {
  // One UTF-16 unit is at most three bytes of UTF-8.
  if (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax) return text
  const { read } = encoder.encodeInto(text, new Uint8Array(bytesMax - CUT_MARK.length))
  return `${text.slice(0, read)}${CUT_MARK}`
}

function escaped(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
}
