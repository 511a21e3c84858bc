/** The directives of a test of routes. */
import { clientAddress } from './client-address-type.js'
import { ALPN_BYTES_MAX, PROTOCOL_WORDS } from './condition-types.js'
import { located } from './located.js'
import { moment } from './moment-type.js'
import { nameType } from './name-type.js'
import { clientPort } from './port-types.js'
import { completedBlock, optional, type SettingsOf } from './row.js'
import { serverName } from './server-name-type.js'
import { REALM_BYTES_MAX } from './table-route.js'
import { choice, shortText, text } from './text-types.js'
import { TLS_VERSIONS } from './tls-mode.js'
import { commaList, type ValueType } from './value-type.js'

const REJECTIONS = ['close', 'reset'] as const

const rejection: ValueType<(typeof REJECTIONS)[number] | 'any'> = {
  ...choice(REJECTIONS),
  bare: { value: 'any', isValue: (given) => REJECTIONS.some((word) => word === given.toLowerCase()) },
}

/** A property of the client. */
function fact<T>(spellings: string | readonly string[], type: ValueType<T>, doc: string) {
  return optional(spellings, type, { doc, isOurs: true })
}

const factRows = {
  from: fact(
    'from',
    clientAddress,
    'Address of the client. A port is accepted and has no effect; an IPv6 address with a port is quoted: ' +
      '`"[2001:db8::1]:5012"`.',
  ),
  listener: fact(
    'listener',
    located(nameType),
    'Listener that the client connected to, by its `name`. Can be left out if there is one `listen` block, or if `port` ' +
      'tells which one.',
  ),
  port: fact(
    'port',
    clientPort,
    'Local port that the client connected to. Can be left out if the listener has one port.',
  ),
  realm: fact(
    'realm',
    shortText(REALM_BYTES_MAX),
    '`realm` that a master of the original program passes on. Can be left out otherwise: it is that of the listener.',
  ),
  serverName: fact(
    ['server name', 'server-name'],
    serverName,
    'Server name that the client requests by TLS (SNI).',
  ),
  alpn: fact(
    'alpn',
    commaList(shortText(ALPN_BYTES_MAX)),
    'Application protocols that the client offers by TLS (ALPN), the preferred one first. Where TLS is terminated, the ' +
      'first one counts as negotiated.',
  ),
  protocol: fact(
    'protocol',
    choice(PROTOCOL_WORDS),
    'Protocol of the first bytes of the client; `any` for none of the others. Default: with TLS `tls`, or the protocol ' +
      'inside by ALPN where TLS is terminated; otherwise `any`.',
  ),
  tlsVersion: fact(
    'tls version',
    choice(TLS_VERSIONS),
    'Version of TLS that the client negotiated, or the newest one that it offers where TLS is passed.',
  ),
  user: fact(
    'user',
    text('NAME'),
    'User that TLS identifies: the common name of a verified certificate, or the identity of a pre-shared key. A test ' +
      'cannot present a certificate: routes with `client certificate …` do not match it.',
  ),
  atMs: fact(
    'time',
    moment,
    'When the client connects: `mon 03:00`, in the zone of this machine or in one that follows. A weekday is one of ' +
      'a fixed week in January, whatever the date of the start; for other seasons write a date: `2026-07-06 03:00`.',
  ),
}

const expectationRows = {
  pool: optional('expect pool', located(nameType), { doc: 'Pool that the client gets.', isOurs: true }),
  remote: optional('expect remote', located(text('NAME')), {
    doc:
      'Remote that the client gets, by its name, or by its address and port if it has none. Only if the policy always ' +
      'chooses the same one: `source`, `maglev`, `first`, or a pool with one remote. For a dynamic route the host that ' +
      'the client asks for.',
    isOurs: true,
  }),
  reject: optional('expect reject', rejection, {
    doc:
      'The client is refused: by a route with `reject`, by the access rules of a route, because no route matches and there is no pool `default`, or ' +
      'because a dynamic route does not allow its server name. ' +
      '`close` or `reset`: in this way. Without a value: in either way.',
    isOurs: true,
  }),
}

export const testBlock = completedBlock(
  'test',
  'A test of the routes: a client, and what it gets. Tests run with `-P`, at the start and before each reload; a test that ' +
    'fails is an error in the configuration. All remotes count as up and without sessions, and the access rules (`permit`, ' +
    '`deny`) of the section and of listeners are not evaluated, those of routes are. A client has only the properties that its test gives it. If the result depends on an ' +
    'address, a listener, a port, a realm, a time or a version of TLS that is left out, the test fails and says so.',
  { ...factRows, ...expectationRows },
  ({ pool, position, reject, remote, ...client }, { hasMistakes, name, refuse }) => {
    if (pool === undefined && remote === undefined && reject === undefined)
      return refuse("this test expects nothing: 'expect pool', 'expect remote' or 'expect reject'")
    if (reject !== undefined && (pool ?? remote) !== undefined)
      return refuse("a test expects either 'expect reject' or a pool or remote")
    return { name, position, client, expected: { pool, remote, reject }, hasMistakes }
  },
)

export type TestSettings = SettingsOf<typeof testBlock>
