/** Value types for text and for words of a fixed set. */
import { Buffer } from 'node:buffer'
import { Refusal, refuseText, refuseWord, shown } from './expectation.js'
import { oneToken, type ValueType } from './value-type.js'

export function text(grammar = 'TEXT'): ValueType<string> {
  return oneToken(grammar, (given) => given)
}

/** A text with a limit in bytes, for fields of fixed size. */
export function shortText(bytesMax: number): ValueType<string> {
  return oneToken('NAME', (given) =>
    Buffer.byteLength(given) <= bytesMax ? given : refuseText(`a name of at most ${bytesMax} bytes`, given),
  )
}

export const NO_DATAGRAMS = 'tcprelay relays streams (TCP, SCTP), not datagrams'

/** Words of the original that are not supported here, each with the reason. */
export type Refused = Readonly<Record<string, string>>

/** One of several words, case-insensitive; the value is the word as written in the table. */
export function choice<const W extends string>(words: readonly W[], refused: Refused = {}): ValueType<W> {
  const parse = (given: string): W | Refusal => {
    const word = words.find((candidate) => candidate.toLowerCase() === given.toLowerCase())
    if (word !== undefined) return word
    const reason = refused[given.toUpperCase()]
    return reason === undefined
      ? refuseWord(words, given)
      : new Refusal(`${shown(given)} is not supported: ${reason}`)
  }
  return oneToken(words.join('|'), parse)
}

/** In the order of their numbers (RFC 5424, 6.2.1). */
export const SYSLOG_SEVERITIES = [
  'EMERG',
  'ALERT',
  'CRIT',
  'ERR',
  'WARNING',
  'NOTICE',
  'INFO',
  'DEBUG',
] as const

// biome-ignore format: in the order of their numbers
export const SYSLOG_FACILITIES = [
  'KERN', 'USER', 'MAIL', 'DAEMON', 'AUTH', 'SYSLOG', 'LPR', 'NEWS', 'UUCP', 'CRON', 'AUTHPRIV', 'FTP',
  'LOCAL0', 'LOCAL1', 'LOCAL2', 'LOCAL3', 'LOCAL4', 'LOCAL5', 'LOCAL6', 'LOCAL7',
] as const

export const syslogSeverity = choice(SYSLOG_SEVERITIES)
export const syslogFacility = choice(SYSLOG_FACILITIES)
