/** One line of the access log: its fields and their format. */
import { type AccessField, fieldMark, type TlsField } from '../base/access-fields.js'
import { cut, printableWord } from './log.js'

/**
 * Longest value of a field that a peer controls (server name, protocols, certificate, comment), and of one from the
 * configuration or the kernel. With these limits all fields fit into a line of the log ring, which cuts longer lines.
 */
const STRANGERS_BYTES_MAX = 192
const OWN_BYTES_MAX = 512
const WHY_BYTES_MAX = 256

/** A value without blanks, of at most so many bytes. */
function word(text: string, bytesMax: number): string {
  // Escaping never shortens a text: what is beyond the limit need not be escaped.
  return cut(printableWord(text.length > bytesMax ? text.slice(0, bytesMax + 1) : text), bytesMax)
}

/** A value that a peer controls. */
export function strangersWord(text: string): string {
  return word(text, STRANGERS_BYTES_MAX)
}

/** A value from the configuration or the kernel. */
export function ownWord(text: string): string {
  return word(text, OWN_BYTES_MAX)
}

/** A sentence as one word that is still readable: `certificate_verify_failed`. */
function sentenceWord(text: string): string {
  return strangersWord(text.replaceAll(' ', '_'))
}

/**
 * The first part of session ids: unique per reactor and configuration. `who` is the child, `wallMs` its start time: a
 * child that replaces another one has the same slot and a later time.
 */
export function idPrefix(who: number | string, wallMs: number): string {
  return `${who}-${Math.floor(wallMs).toString(36)}`
}

/** The fields of one line: a finished session, or a rejected client. */
export interface AccessRecord {
  readonly endedAtMs: number
  readonly id: string
  readonly client: string
  /** Credentials of a client of a Unix socket. */
  readonly credentials: { readonly user: number; readonly group: number } | undefined
  /** The peer that has sent a PROXY header for the client; '' if the client itself is connected. */
  readonly via: string
  /** What the header says besides addresses; '' for nothing. */
  readonly tlvs: string
  readonly listener: string
  /** '' where the configuration names no pool, and for clients that got none. */
  readonly pool: string
  /** '' when no remote was connected. */
  readonly remote: string
  /** The text of an `AttemptList`; '' without failed attempts. */
  readonly failedAttempts: string
  readonly bytesToRemote: number
  readonly bytesToClient: number
  readonly durationMs: number
  /** How long the client has waited for a remote with room; part of `durationMs`. */
  readonly queuedMs: number
  readonly reason: string
  /** The error behind the reason, in words of the kernel or OpenSSL; '' without one. */
  readonly cause: string
  /** Of a rejected client: file and line of the rule or route, or `none` if none applies. '' otherwise. */
  readonly rule: string
  /** How the session got its remote, as one word; '' if that is not logged. */
  readonly why: string
  /** The comment of a MAVIS module that rejected the client; usually ''. */
  readonly comment: string
  /** Undefined without TLS. */
  readonly clientTls: AccessTls | undefined
  readonly remoteTls: AccessTls | undefined
  /** Whether the connection uses Multipath TCP; undefined where it was not requested. */
  readonly clientMptcp: boolean | undefined
  readonly remoteMptcp: boolean | undefined
}

export interface AccessTls {
  /** `passed`: TLS that the relay did not terminate. */
  readonly version: string
  readonly cipher: string | undefined
  readonly serverName: string | undefined
  readonly alpn: string | undefined
  readonly isResumed: boolean | undefined
  /** The subject of the peer's certificate. */
  readonly subject: string | undefined
  /** The identity of the pre-shared key. */
  readonly pskIdentity: string | undefined
}

/** `tls=TLSv1.3 cipher=… sni=… alpn=… resumed=yes subject=…`; empty fields are left out. */
function tlsWords(prefix: '' | 'remote_', tls: AccessTls | undefined): string {
  if (tls === undefined) return ''
  const { alpn, cipher, isResumed, pskIdentity, serverName, subject, version } = tls
  const resumed = isResumed === undefined ? undefined : isResumed ? 'yes' : 'no'
  const words: Readonly<Record<TlsField, string | undefined>> = {
    tls: version,
    cipher,
    sni: serverName,
    alpn,
    resumed,
    subject,
    psk: pskIdentity,
  }
  return Object.entries(words)
    .map(([name, value]) => (value ? field(`${prefix}${name as TlsField}`, strangersWord(value)) : ''))
    .join('')
}

function credentialWords(who: AccessRecord['credentials']): string {
  return who === undefined ? '' : field('uid', who.user) + field('gid', who.group)
}

/** In whole milliseconds, unless there was no wait. */
function queuedWord(queuedMs: number): string {
  return queuedMs === 0 ? '' : field('queued', Math.ceil(queuedMs))
}

function mptcpWord(name: 'mptcp' | 'remote_mptcp', isSpoken: boolean | undefined): string {
  return isSpoken === undefined ? '' : field(name, isSpoken ? 'yes' : 'no')
}

function field(name: AccessField, value: string | number): string {
  return fieldMark(name) + value
}

/** The second of the last line and its text: a cache, since many lines are of the same second. */
let lastSecond = Number.NaN
let lastSecondText = ''

/** The format of toISOString, which takes as long as the rest of a line. */
function timeText(wallMs: number): string {
  const second = Math.floor(wallMs / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    lastSecondText = new Date(second * 1000).toISOString().slice(0, -'000Z'.length)
  }
  return `${lastSecondText}${String(Math.floor(wallMs) - second * 1000).padStart(3, '0')}Z`
}

/**
 * The line without its end: the time, then `name=value` pairs, whose values contain no blanks. Without a remote the
 * field `remote` is left out, so that every value keeps its type.
 */
export function accessLine(record: AccessRecord): string {
  const { cause, comment, failedAttempts, pool, remote, rule, tlvs, via, why } = record
  return (
    timeText(record.endedAtMs) +
    field('id', record.id) +
    field('client', ownWord(record.client)) +
    credentialWords(record.credentials) +
    (via === '' ? '' : field('via', ownWord(via))) +
    (tlvs === '' ? '' : field('tlvs', strangersWord(tlvs))) +
    field('listener', ownWord(record.listener)) +
    (pool === '' ? '' : field('pool', ownWord(pool))) +
    (remote === '' ? '' : field('remote', ownWord(remote))) +
    (failedAttempts === '' ? '' : field('attempts', strangersWord(failedAttempts))) +
    tlsWords('', record.clientTls) +
    tlsWords('remote_', record.remoteTls) +
    mptcpWord('mptcp', record.clientMptcp) +
    mptcpWord('remote_mptcp', record.remoteMptcp) +
    field('to_remote', record.bytesToRemote) +
    field('to_client', record.bytesToClient) +
    field('seconds', (record.durationMs / 1000).toFixed(3)) +
    queuedWord(record.queuedMs) +
    field('end', record.reason) +
    (cause === '' ? '' : field('reason', sentenceWord(cause))) +
    (rule === '' ? '' : field('rule', ownWord(rule))) +
    (comment === '' ? '' : field('comment', strangersWord(comment))) +
    (why === '' ? '' : field('why', word(why, WHY_BYTES_MAX)))
  )
}

/** A line without its time, for logs that add one. */
export function withoutTime(line: string): string {
  return line.slice(line.indexOf(' ') + 1)
}
