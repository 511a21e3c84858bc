/** The access log of a head: a file, syslog or stderr. */
import type { TcprelaySettings } from '../../config/table-tcprelay.js'
import { withoutTime } from '../../observe/access-line.js'
import type { Log } from '../../observe/log.js'
import { INFO } from '../../observe/severity.js'
import { LineFile } from '../../services/line-file.js'
import { writeLine } from './log-setup.js'

/** Destination of the lines of ended sessions. */
interface AccessLog {
  write(line: string): void
  /** Opens the file again, after log rotation. */
  reopen(): void
  close(done: () => void): void
}

// Syslog and stderr belong to the log of the process.
const NOTHING_OPEN = { reopen: () => {}, close: (done: () => void) => done() }

function openAccessLog(accessLog: TcprelaySettings['accessLog'], log: Pick<Log, 'say'>): AccessLog {
  if (accessLog === undefined) return { write: () => {}, ...NOTHING_OPEN }
  switch (accessLog.kind) {
    case 'syslog':
      // Syslog adds a time of its own.
      return { write: (line) => log.say(INFO, withoutTime(line)), ...NOTHING_OPEN }
    case 'stderr':
      return { write: (line) => writeLine(`${line}\n`), ...NOTHING_OPEN }
    case 'file':
      return new LineFile(accessLog.path, log.say)
  }
}

/** The access log of the configuration in force, also for sessions of older generations. */
export class AccessLogInForce implements AccessLog {
  readonly #log: Pick<Log, 'say'>
  #target: TcprelaySettings['accessLog']
  #present: AccessLog
  /** The present one, and old ones that have lines left to write. */
  #openCount = 1
  #onClosed: () => void = () => {}

  constructor({ accessLog }: TcprelaySettings, log: Pick<Log, 'say'>) {
    this.#log = log
    this.#target = accessLog
    this.#present = openAccessLog(accessLog, log)
  }

  /** Applies another configuration. An unchanged file stays open. */
  replace({ accessLog }: TcprelaySettings): void {
    if (isSame(accessLog, this.#target)) return
    const old = this.#present
    this.#target = accessLog
    this.#present = openAccessLog(accessLog, this.#log)
    // Before `close`, which may call back at once.
    this.#openCount++
    old.close(() => this.#closed())
  }

  write(line: string): void {
    this.#present.write(line)
  }

  reopen(): void {
    this.#present.reopen()
  }

  close(done: () => void): void {
    this.#onClosed = done
    this.#present.close(() => this.#closed())
  }

  #closed(): void {
    this.#openCount--
    if (this.#openCount === 0) this.#onClosed()
  }
}

function isSame(one: TcprelaySettings['accessLog'], other: TcprelaySettings['accessLog']): boolean {
  const pathOf = (target: typeof one) => (target?.kind === 'file' ? target.path : undefined)
  return one?.kind === other?.kind && pathOf(one) === pathOf(other)
}
