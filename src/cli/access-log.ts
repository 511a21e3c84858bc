import type { TcprelaySettings } from '../config/table-tcprelay.js'
import { LineFile } from '../master/line-file.js'
import type { Log } from '../observe/log.js'
import { INFO } from '../observe/severity.js'
import { writeLine } from './log-setup.js'

/** Where the lines of finished connections go. */
export interface AccessLog {
  write(line: string): void
  /** After a rotation. */
  reopen(): void
  close(done: () => void): void
}

const NOTHING_OPEN = { reopen: () => {}, close: (done: () => void) => done() }

export function openAccessLog({ accessLog }: TcprelaySettings, log: Log): AccessLog {
  if (accessLog === undefined) return { write: () => {}, ...NOTHING_OPEN }
  switch (accessLog.kind) {
    case 'syslog':
      return { write: (line) => log.say(INFO, line), ...NOTHING_OPEN }
    case 'stderr':
      return { write: (line) => writeLine(`${line}\n`), ...NOTHING_OPEN }
    case 'file':
      return new LineFile(accessLog.path, log.say)
  }
}
