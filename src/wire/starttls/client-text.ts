/**
 * The openings of SMTP (RFC 3207), IMAP (RFC 3501), POP3 (RFC 2595) and FTP (RFC 4217): lines of text, and a greeting of the
 * server at first.
 */
import { ascii, beginsWithWord, findBytes, lineEnd, mayBeginWord } from './bytes.js'
import { type Answer, type ClientOpening, type ClientStep, MALFORMED, MORE, REFUSED } from './client-step.js'

const NOTHING = new Uint8Array(0)
const SPACE = 0x20
const HYPHEN = 0x2d
const STAR = 0x2a
const CR = 0x0d
const LF = 0x0a
const DIGIT_0 = 0x30
const CODE_BYTES = 3

type Read = ClientStep['read']

/** An opening whose first step is the greeting. */
function textOpening(
  protocol: ClientOpening['protocol'],
  steps: readonly ClientStep[],
  cleanGreeting: ClientOpening['cleanGreeting'] = (_bytes, start, end) => end - start,
): ClientOpening {
  return { protocol, steps, hasGreeting: true, cleanGreeting, describe: lastLine }
}

/** Of an answer of several lines the last one has the verdict. */
export function lastLine(bytes: Uint8Array, start: number, end: number): Uint8Array {
  let to = end
  while (to > start && (bytes[to - 1] === LF || bytes[to - 1] === CR)) to--
  return bytes.subarray(bytes.subarray(start, to).lastIndexOf(LF) + 1 + start, to)
}

/** The greetings of servers that speak first. */
export const GREETINGS = {
  smtp: step('greeting', '', numericReply(220)),
  ftp: step('greeting', '', numericReply(220)),
  pop3: step('greeting', '', statusLine('+OK', '-ERR')),
  // A server that greets with PREAUTH has no STARTTLS in that state (RFC 3501, 7.1.4), and one with BYE has left.
  imap: step('greeting', '', statusLine('* OK', '*')),
} as const

export function smtpOpening(name: string): ClientOpening {
  return textOpening('smtp', [
    GREETINGS.smtp,
    // Servers take STARTTLS only from clients that have said who they are.
    step('answer to EHLO', `EHLO ${name}`, numericReply(250)),
    step('answer to STARTTLS', 'STARTTLS', numericReply(220)),
  ])
}

export function ftpOpening(): ClientOpening {
  return textOpening('ftp', [GREETINGS.ftp, step('answer to AUTH TLS', 'AUTH TLS', numericReply(234))])
}

export function pop3Opening(): ClientOpening {
  return textOpening('pop3', [GREETINGS.pop3, step('answer to STLS', 'STLS', statusLine('+OK', '-ERR'))])
}

export function imapOpening(): ClientOpening {
  return textOpening(
    'imap',
    [GREETINGS.imap, step('answer to STARTTLS', 'a STARTTLS', taggedLine)],
    withoutCapabilities,
  )
}

function step(what: string, line: string, read: Read): ClientStep {
  return { what, request: line === '' ? NOTHING : ascii(`${line}\r\n`), read }
}

/** Replies of one line or several (RFC 959, 4.2): the last one has the code of the first one, and no hyphen behind it. */
function numericReply(expected: number): Read {
  return (bytes, start, end) => {
    for (let i = start; i < Math.min(start + CODE_BYTES, end); i++)
      if (!isDigit(bytes[i] as number)) return MALFORMED
    if (end - start <= CODE_BYTES) return MORE
    const code = codeAt(bytes, start)
    for (let at = start; ; ) {
      const next = lineEnd(bytes, at, end)
      if (next < 0) return MORE
      if (isLastLine(bytes, at, next, code)) return code === expected ? next - start : REFUSED
      if (at === start && bytes[at + CODE_BYTES] !== HYPHEN) return MALFORMED
      at = next
    }
  }
}

function isLastLine(bytes: Uint8Array, at: number, next: number, code: number): boolean {
  if (next - at <= CODE_BYTES || codeAt(bytes, at) !== code) return false
  const mark = bytes[at + CODE_BYTES]
  return mark === SPACE || mark === CR || mark === LF
}

/** Not a number if it is no code. */
function codeAt(bytes: Uint8Array, at: number): number {
  let code = 0
  for (let i = at; i < at + CODE_BYTES; i++) {
    const byte = bytes[i] as number
    code = isDigit(byte) ? code * 10 + byte - DIGIT_0 : Number.NaN
  }
  return code
}

function isDigit(byte: number): boolean {
  return byte >= DIGIT_0 && byte < DIGIT_0 + 10
}

/** One line that begins with one of these words; `good` is compared first. */
function statusLine(good: string, bad: string): Read {
  const [goodBytes, badBytes] = [ascii(good), ascii(bad)]
  return (bytes, start, end) => {
    if (!mayBeginWord(bytes, goodBytes, start, end) && !mayBeginWord(bytes, badBytes, start, end))
      return MALFORMED
    const next = lineEnd(bytes, start, end)
    if (next < 0) return MORE
    if (isWord(bytes, goodBytes, start, next)) return next - start
    return isWord(bytes, badBytes, start, next) ? REFUSED : MALFORMED
  }
}

/** Whether the line begins with `word` and a blank or its end behind it. */
function isWord(bytes: Uint8Array, word: Uint8Array, start: number, next: number): boolean {
  if (!beginsWithWord(bytes, word, start, next)) return false
  const behind = bytes[start + word.length]
  return behind === SPACE || behind === CR || behind === LF
}

const TAG = ascii('A ')
const TAGGED_OK = ascii('A OK')

/** A response with our tag; untagged ones before it are dropped with it. */
function taggedLine(bytes: Uint8Array, start: number, end: number): Answer {
  for (let at = start; at < end; ) {
    const isUntagged = bytes[at] === STAR
    if (!isUntagged && !mayBeginWord(bytes, TAG, at, end)) return MALFORMED
    const next = lineEnd(bytes, at, end)
    if (next < 0) return MORE
    if (!isUntagged) return isWord(bytes, TAGGED_OK, at, next) ? next - start : REFUSED
    at = next
  }
  return MORE
}

const GREETING_WORD = ascii('* OK ')
const CAPABILITY = ascii('[CAPABILITY ')
const CLOSING_BRACKET = ascii(']')

/**
 * They are those of a connection without TLS, such as STARTTLS and LOGINDISABLED. A client without a list asks for one
 * (RFC 3501, 6.2.1).
 */
function withoutCapabilities(bytes: Uint8Array, start: number, end: number): number {
  const from = start + GREETING_WORD.length
  if (!beginsWithWord(bytes, CAPABILITY, from, end)) return end - start
  const bracket = findBytes(bytes, CLOSING_BRACKET, from, end)
  if (bracket < 0) return end - start
  const to = bytes[bracket + 1] === SPACE ? bracket + 2 : bracket + 1
  bytes.copyWithin(from, to, end)
  return end - start - (to - from)
}
