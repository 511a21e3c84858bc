/** The directives of health checks over TLS, and by protocols whose messages are binary. */
import { located } from './located.js'
import { count, time, yesNo } from './number-types.js'
import { optional } from './row.js'
import { passwordRow, roleRow, userRow } from './table-health-text.js'
import { shortText, text } from './text-types.js'
import { commaList } from './value-type.js'

/** Certificates are not valid for much longer. */
const EXPIRES_WITHIN_MAX_MS = 365 * 86_400_000
/** Those of RFC 4511 and its extensions. */
const RESULT_MAX = 65_535
/** What a server accepts is its own matter; this fits a packet. */
const CLIENT_ID_BYTES_MAX = 1_024

const serverNameRow = optional('server name', located(text()), {
  doc: 'Server name that is sent (SNI) and verified against the certificate, in checks over TLS.',
  defaultText: 'as for sessions with the remote',
  isOurs: true,
})

/** Of the types that speak a protocol over TCP, which may be in TLS. */
export const tlsRows = {
  tls: optional('tls', yesNo, {
    doc:
      'The check speaks TLS, with the directives of the remote: `ca-file`, `verify`, `server name`, `cert-file` and the ' +
      'others, which a remote without `tls` may then have, too. A check of a remote without `tls` asks for TLS as the ' +
      'protocol has it if the type is `mysql` or `postgres`, and otherwise begins with it.',
    defaultText: 'as for sessions with the remote: value of its `tls`',
    isOurs: true,
  }),
  serverName: serverNameRow,
}

export const tlsTypeRows = {
  serverName: serverNameRow,
  expiresWithinMs: optional('expires within', time({ max: EXPIRES_WITHIN_MAX_MS }), {
    doc:
      'Of `tls`: a certificate that expires sooner is logged as a warning, once a day at most. The remote stays up until it ' +
      'has expired.',
    defaultText: '14d',
    zero: 'no warning',
    isOurs: true,
  }),
}

export const mysqlRows = { user: userRow, role: roleRow, ...tlsRows }

export const postgresRows = {
  user: userRow,
  database: optional('database', shortText(63), {
    doc: 'Of `postgres`: the database to connect to.',
    defaultText: '`postgres`',
    isOurs: true,
  }),
  role: roleRow,
  ...tlsRows,
}

export const ldapRows = {
  results: optional('result codes', commaList(count({ max: RESULT_MAX })), {
    doc: 'Of `ldap`: the result codes of the bind with which a remote passes: `0, 48` for a server that refuses anonymous binds.',
    defaultText: '`0`',
    isOurs: true,
  }),
  ...tlsRows,
}

export const mqttRows = {
  clientId: optional('client id', shortText(CLIENT_ID_BYTES_MAX), {
    doc:
      'Of `mqtt`: the client id. A server ends the connection of an older client with the same one, so that two relays with ' +
      'the same id disturb each other.',
    defaultText: '`tcprelay` and random digits, other ones in each check',
    isOurs: true,
  }),
  user: userRow,
  password: passwordRow,
  ...tlsRows,
}
