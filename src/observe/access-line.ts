import { printableWord } from './log.js'

/** What is told of a finished connection. */
export interface AccessRecord {
  readonly endedAtMs: number
  readonly id: string
  readonly client: string
  readonly listener: string
  /** '' when none was reached. */
  readonly remote: string
  readonly bytesToRemote: number
  readonly bytesToClient: number
  readonly durationMs: number
  readonly reason: string
}

/**
 * One line of the access log: the time, then `name=value` pairs, whose values contain no blanks. A session that reached no remote has no
 * `remote`, so that every value keeps its type.
 */
export function accessLine(record: AccessRecord): string {
  const remote = record.remote === '' ? '' : ` remote=${printableWord(record.remote)}`
  return (
    `${new Date(record.endedAtMs).toISOString()} id=${record.id} client=${printableWord(record.client)}` +
    ` listener=${printableWord(record.listener)}${remote} to_remote=${record.bytesToRemote}` +
    ` to_client=${record.bytesToClient} seconds=${(record.durationMs / 1000).toFixed(3)} end=${record.reason}`
  )
}
