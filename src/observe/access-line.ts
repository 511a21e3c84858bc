import { cut, printableWord } from './log.js'

/** One line of the access log: its fields, and how they are written. */

/**
 * Longest value of a field that strangers fill in (server name, protocols, certificate, comment), and of one that the
 * configuration or the system does. Together they leave room for all fields in a line of the log ring, which cuts longer lines.
 */
const STRANGERS_BYTES_MAX = 192
const OWN_BYTES_MAX = 512

/** A value without blanks, of at most so many bytes. */
function word(text: string, bytesMax: number): string {
  // No text becomes shorter by escaping: what is beyond the limit need not be escaped.
  return cut(printableWord(text.length > bytesMax ? text.slice(0, bytesMax + 1) : text), bytesMax)
}

/** What strangers say. */
export function strangersWord(text: string): string {
  return word(text, STRANGERS_BYTES_MAX)
}

function ownWord(text: string): string {
  return word(text, OWN_BYTES_MAX)
}

/** A sentence as one word that is still readable: `certificate_verify_failed`. */
function sentenceWord(text: string): string {
  return strangersWord(text.replaceAll(' ', '_'))
}

/**
 * The first part of the ids of sessions that one reactor begins with one configuration: `who` it is and when it began,
 * in milliseconds. A replaced child has the same place as the one before, and begins later.
 */
export function idPrefix(who: number | string, wallMs: number): string {
  return `${who}-${Math.floor(wallMs).toString(36)}`
}

/** What is told of a finished connection. */
export interface AccessRecord {
  readonly endedAtMs: number
  readonly id: string
  readonly client: string
  /** Of a client of a Unix socket: who has connected. */
  readonly credentials: { readonly user: number; readonly group: number } | undefined
  readonly listener: string
  /** '' when none was reached. */
  readonly remote: string
  readonly bytesToRemote: number
  readonly bytesToClient: number
  readonly durationMs: number
  readonly reason: string
  /** The error behind that, as the system or OpenSSL calls it; '' where there is none. */
  readonly cause: string
  /** Of a rejected client: file and line of the rule, or `none` if none applies. '' otherwise. */
  readonly rule: string
  /** What a module of MAVIS has said of a client that it refuses; '' as a rule. */
  readonly comment: string
  /** Undefined where plain bytes are spoken. */
  readonly clientTls: AccessTls | undefined
  readonly remoteTls: AccessTls | undefined
  /** Whether Multipath TCP is spoken, where that was asked for. */
  readonly clientMptcp: boolean | undefined
  readonly remoteMptcp: boolean | undefined
}

export interface AccessTls {
  /** `passed`: the relay has not opened it. */
  readonly version: string
  readonly cipher: string | undefined
  readonly serverName: string | undefined
  readonly alpn: string | undefined
  readonly isResumed: boolean | undefined
  /** Whose certificate the peer has shown. */
  readonly subject: string | undefined
  /** Of the pre-shared key by which both sides know each other. */
  readonly pskIdentity: string | undefined
}

/** `tls=TLSv1.3 cipher=… sni=… alpn=… resumed=yes subject=…`, as far as there is something to say. */
function tlsWords(prefix: string, tls: AccessTls | undefined): string {
  if (tls === undefined) return ''
  const { alpn, cipher, isResumed, pskIdentity, serverName, subject, version } = tls
  const resumed = isResumed === undefined ? undefined : isResumed ? 'yes' : 'no'
  const words = { tls: version, cipher, sni: serverName, alpn, resumed, subject, psk: pskIdentity }
  return Object.entries(words)
    .map(([name, value]) => (value ? ` ${prefix}${name}=${strangersWord(value)}` : ''))
    .join('')
}

function credentialWords(who: AccessRecord['credentials']): string {
  return who === undefined ? '' : ` uid=${who.user} gid=${who.group}`
}

function mptcpWord(prefix: string, isSpoken: boolean | undefined): string {
  if (isSpoken === undefined) return ''
  return ` ${prefix}mptcp=${isSpoken ? 'yes' : 'no'}`
}

/** The second that the last line was of, and how it is written. Many lines are of the same one. */
let lastSecond = Number.NaN
let lastSecondText = ''

/** As toISOString has it, which costs as much as all the rest of a line. */
function timeText(wallMs: number): string {
  const second = Math.floor(wallMs / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    lastSecondText = new Date(second * 1000).toISOString().slice(0, -'000Z'.length)
  }
  return `${lastSecondText}${String(Math.floor(wallMs) - second * 1000).padStart(3, '0')}Z`
}

/**
 * One line of the access log: the time, then `name=value` pairs, whose values contain no blanks. A session that reached no remote has no
 * `remote`, so that every value keeps its type.
 */
export function accessLine(record: AccessRecord): string {
  const { cause, comment, rule } = record
  const remote = record.remote === '' ? '' : ` remote=${ownWord(record.remote)}`
  return (
    `${timeText(record.endedAtMs)} id=${record.id} client=${ownWord(record.client)}${credentialWords(record.credentials)}` +
    ` listener=${ownWord(record.listener)}${remote}${tlsWords('', record.clientTls)}` +
    `${tlsWords('remote_', record.remoteTls)}${mptcpWord('', record.clientMptcp)}` +
    `${mptcpWord('remote_', record.remoteMptcp)} to_remote=${record.bytesToRemote}` +
    ` to_client=${record.bytesToClient} seconds=${(record.durationMs / 1000).toFixed(3)} end=${record.reason}` +
    `${cause === '' ? '' : ` reason=${sentenceWord(cause)}`}${rule === '' ? '' : ` rule=${ownWord(rule)}`}` +
    `${comment === '' ? '' : ` comment=${strangersWord(comment)}`}`
  )
}

/** A line without its time, for logs that have their own. */
export function withoutTime(line: string): string {
  return line.slice(line.indexOf(' ') + 1)
}
