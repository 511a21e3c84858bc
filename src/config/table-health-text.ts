/** The directives of health checks by protocols whose messages are text. */
import { byteString } from '../base/byte-string.js'
import type { ExpectStep } from '../health/probe-checks.js'
import { Refusal, refuseText } from './expectation.js'
import { parseCount } from './number-types.js'
import { folded, optional } from './row.js'
import { bytesToSend, sought } from './sought-type.js'
import { choice, text } from './text-types.js'
import { isPunctuation } from './token.js'
import { commaList, oneToken, type ValueType } from './value-type.js'

/** A token (RFC 9110, 5.6.2). */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const METHOD = /^[A-Z][A-Z-]*$/
const FIELD = /^([^:]*):[ \t]*(.*?)[ \t]*$/
/** The request itself has these; another value breaks it. */
const OWN_FIELDS: Readonly<Record<string, string>> = {
  connection: 'it is always `close`',
  'content-length': 'the request has no content',
  'transfer-encoding': 'the request has no content',
}
const STATUS_MAX = 999

const method = oneToken('METHOD', (text) =>
  METHOD.test(text) && text !== 'CONNECT' ? text : refuseText('a method such as GET or OPTIONS', text),
)

const targetToken = oneToken('PATH', (text) =>
  /^\/[!-~]*$/.test(text) || text === '*'
    ? text
    : refuseText("a path that begins with '/', with blanks and other characters than ASCII as %XX", text),
)

const target: ValueType<string> = {
  ...targetToken,
  read(input) {
    const path = targetToken.read(input)
    const next = input.tokens.peek()
    // `/status?full=1`: the word ends at the `=`.
    if (path === undefined || !isPunctuation(next, '=')) return path
    input.problems.error(next.position, "unexpected '='", { hint: "quote a path that contains '='" })
    return undefined
  },
}

const hostField = oneToken('NAME', (text) =>
  /^[0-9A-Za-z._~:[\]-]+$/.test(text) ? text : refuseText('a host name, with or without a port', text),
)

/** `NAME: VALUE`, as one character for each byte. `ofHost`: the hint at the header `Host`. */
export function headerField(ofHost: string): ValueType<string> {
  return oneToken('"NAME: VALUE"', (text) => {
    const [, name = '', value = ''] = FIELD.exec(text) ?? []
    if (!TOKEN.test(name) || /[\x00-\x08\x0a-\x1f\x7f]/.test(value))
      return refuseText("a header line, 'NAME: VALUE'", text)
    const field = name.toLowerCase()
    const hint = field === 'host' ? ofHost : OWN_FIELDS[field]
    return hint === undefined
      ? byteString(`${name}: ${value}`)
      : new Refusal(`the header '${name}' cannot be set here`, hint)
  })
}

const statusRange = oneToken('STATUS[-STATUS]', (text) => {
  const [first, last = first, ...rest] = text.split('-').map(parseCount)
  const isRange = first !== undefined && last !== undefined && first >= 100 && first <= last
  return isRange && last <= STATUS_MAX && rest.length === 0
    ? { first, last }
    : refuseText(`a status from 100 to ${STATUS_MAX}, or a range of them`, text)
})

export const httpRows = {
  method: optional('method', method, {
    doc: 'Of `http`: the method of the request.',
    defaultText: '`GET`',
    isOurs: true,
  }),
  path: optional('path', target, {
    doc: 'Of `http`: what is requested, a path with or without a query.',
    defaultText: '`/`',
    isOurs: true,
  }),
  host: optional('host', hostField, {
    doc: 'Of `http`: the header `Host`, by which a server with several sites chooses one.',
    defaultText: 'the name or the address of the remote, and the port unless it is 80 or 443',
    isOurs: true,
  }),
  // Undefined: none is given, so that those of the pool are in force.
  headers: folded(
    'header',
    headerField("write 'host'"),
    (items) => (items.length === 0 ? undefined : items),
    {
      doc:
        'Of `http`: a header line of the request. May be repeated. If a remote has any, it sends none of those of its pool. ' +
        '`Host` and `Connection: close` are always sent, `User-Agent: tcprelay` unless it is given.',
      isOurs: true,
    },
  ),
  statuses: optional('expect status', commaList(statusRange), {
    doc: 'Of `http`: the statuses with which a remote passes. Redirects are not followed.',
    defaultText: '`200-399`',
    isOurs: true,
  }),
  body: optional('expect body', sought, {
    doc:
      'Of `http`: what the first 64 KiB of the body must contain: a text, bytes in hexadecimal, or a pattern of Perl, in ' +
      'which `^` and `$` match at the ends of lines.',
    isOurs: true,
  }),
}

const step: ValueType<ExpectStep> = {
  grammar: sought.grammar,
  read(input) {
    if (input.words[0] === 'send') {
      const bytes = bytesToSend.read(input)
      return bytes === undefined ? undefined : { kind: 'send', bytes }
    }
    const found = sought.read(input)
    return found && { kind: 'expect', sought: found }
  },
}

export const expectRows = {
  // One row: the order of both counts.
  steps: folded(['expect', 'send'], step, (items) => (items.length === 0 ? undefined : items), {
    doc:
      'Of `expect`: what is sent, and what the server has to answer to it. May be repeated: they are carried out in the ' +
      'order in which they stand. What is expected may come anywhere in what the server has sent since the last match: a ' +
      'text, bytes in hexadecimal, or a pattern of Perl, in which `^` and `$` match at the ends of lines. `send` takes no ' +
      'pattern. Quoted text may have `\\r\\n`. If a remote has any of them, it has none of those of its pool.',
    isOurs: true,
  }),
}

/** For each type that logs in. */
export const userRow = optional('user', text('NAME'), {
  doc:
    'User name for the login of the check: with `password` (`redis`, `mqtt`), or without one (`mysql`, `postgres`). Without a ' +
    'user `mysql` reads the greeting only, which the server counts as a connect error of this host: after ' +
    '`max_connect_errors` of them (100) without a login in between it refuses all connections from it.',
  defaultText: 'no login; `postgres`: the user `postgres`',
  isOurs: true,
})

export const passwordRow = optional('password', text('TEXT'), {
  doc:
    'The password of the user. A file with passwords must be readable for the user of this program only; it may be one that ' +
    'the configuration includes.',
  isOurs: true,
})

/** For each type whose servers are replicated. */
export const roleRow = optional('role', choice(['any', 'primary', 'master', 'replica']), {
  doc:
    'Of `redis`, `mysql` and `postgres`: the role that the server must have; `primary` and `master` are the same. `any`: it ' +
    'is not asked. `mysql` asks whether the server is read-only, and needs a `user`; `postgres` whether it is in recovery, ' +
    'and needs a user that may log in without a password.',
  defaultText: '`any`',
  isOurs: true,
})

export const redisRows = {
  user: userRow,
  password: passwordRow,
  role: roleRow,
}

export const smtpRows = {
  helo: optional('helo', hostField, {
    doc: 'Of `smtp`: the name with which the check introduces itself.',
    defaultText: 'the name of this host',
    isOurs: true,
  }),
}

export const agentRows = {
  agentSend: optional('agent send', bytesToSend, {
    doc: 'Of `agent`: what is sent before the answer is awaited, such as the name of the server and `\\n`.',
    defaultText: 'nothing',
    isOurs: true,
  }),
}
