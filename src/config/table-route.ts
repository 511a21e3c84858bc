/** The directives of a route. */
import type { RouteProtocol } from '../admission/route-plan.js'
import { networks } from './access-rule.js'
import { certificateFingerprint, certificateName } from './certificate-types.js'
import { located } from './located.js'
import { nameType } from './name-type.js'
import { routePorts } from './port-types.js'
import { completedBlock, folded, optional, type SettingsOf } from './row.js'
import { serverNamePattern } from './server-name-type.js'
import { splitShares } from './split-type.js'
import { choice, shortText, text } from './text-types.js'
import { timeWindows } from './time-window-type.js'
import { TLS_VERSIONS } from './tls-mode.js'
import { commaList, type ValueType } from './value-type.js'

/** All of them: the compiler checks it. */
const PROTOCOLS: Readonly<Record<RouteProtocol, true>> = {
  tls: true,
  http: true,
  http2: true,
  ssh: true,
  postgres: true,
  redis: true,
  mqtt: true,
  rdp: true,
  socks: true,
  dns: true,
  openvpn: true,
  any: true,
}

export const PROTOCOL_WORDS = Object.keys(PROTOCOLS) as RouteProtocol[]

/** The limit of a name in the extension (RFC 7301, 3.1). */
export const ALPN_BYTES_MAX = 255
/** As of a listener's `realm`. */
export const REALM_BYTES_MAX = 15

/** A condition: several values, or the directive repeated, match one or the other. Undefined: not given. */
function condition<T>(spellings: string | readonly string[], type: ValueType<readonly T[]>, doc: string) {
  return folded<readonly T[], readonly T[] | undefined>(
    spellings,
    type,
    (given) => (given.length === 0 ? undefined : given.flat()),
    { doc, isOurs: true },
  )
}

const conditionRows = {
  listeners: condition(
    'listener',
    commaList(located(nameType)),
    'Clients of the listeners with this `name`; of all ports of the listener if it has several.',
  ),
  ports: condition(
    'port',
    routePorts,
    'Clients that connected to this local port: a number, a range, or a service name.',
  ),
  sources: condition('source', networks, 'Clients with an address in this network.'),
  realms: condition(
    'realm',
    commaList(shortText(REALM_BYTES_MAX)),
    'Clients of listeners with this `realm`. Also applies to clients that a master of the original program passes on.',
  ),
  serverNames: condition(
    ['server name|names', 'server-name'],
    commaList(serverNamePattern),
    'Clients that request this server name by TLS (SNI). `*.example.com` matches all names below `example.com` at any ' +
      'depth, `*` any name. Case-insensitive; internationalized names may be written as they are.',
  ),
  alpn: condition(
    'alpn',
    commaList(shortText(ALPN_BYTES_MAX)),
    'Clients that offer this application protocol by TLS (ALPN), such as `h2`; where TLS is terminated, clients with ' +
      'which it was negotiated.',
  ),
  protocols: condition(
    'protocol',
    commaList(choice(PROTOCOL_WORDS)),
    'Clients whose first bytes are of this protocol; `any` matches whatever they are. Where TLS is terminated, the ' +
      'protocol inside by the name that was negotiated (ALPN): `tls` does not match there.',
  ),
  tlsVersions: condition(
    'tls version',
    commaList(choice(TLS_VERSIONS)),
    'Clients with this version of TLS; where TLS is passed, the newest version that the client offers.',
  ),
  subjects: condition(
    'client certificate subject',
    commaList(certificateName),
    'Clients with a verified certificate of this subject, in the form of RFC 2253 and quoted: `"CN=joe,O=Example"`. ' +
      '`*` stands for any characters. Case-sensitive.',
  ),
  issuers: condition(
    'client certificate issuer',
    commaList(certificateName),
    'Like `client certificate subject`, for the issuer of the certificate.',
  ),
  alternativeNames: condition(
    'client certificate san',
    commaList(text('PATTERN')),
    'Clients with a verified certificate that has this subject alternative name: `DNS:*.example.com`, `IP:10.0.0.1`, ' +
      '`email:joe@example.com`, `URI:spiffe://…`; without the type a name of any type. `*` stands for any characters. ' +
      'Case-sensitive for URIs only.',
  ),
  fingerprints: condition(
    'client certificate fingerprint',
    commaList(certificateFingerprint),
    'Clients with a verified certificate of this SHA-256 fingerprint: 64 hexadecimal digits, with or without colons.',
  ),
  users: condition(
    'user',
    commaList(text('NAME')),
    'Clients that TLS identifies as this user: by the common name of a verified certificate, or by the identity of a ' +
      'pre-shared key. Case-sensitive.',
  ),
  times: condition(
    'time',
    timeWindows,
    'Clients that connect at this time: `Mon-Fri 08:00-18:00 Europe/Berlin`, in any order. Days default to every day, ' +
      'hours to the whole day, the zone to that of this machine; it is the name of a zone, `UTC`, or an offset such as ' +
      '`+02:00`. Hours such as `22:00-06:00` end on the next day. Several windows are separated by commas: each has ' +
      'days and hours, or none has; a zone that is given once applies to all.',
  ),
}

const targetRows = {
  pool: optional('pool', located(nameType), { doc: 'Pool that serves the clients.', isOurs: true }),
  split: optional('split', splitShares, {
    doc:
      'Pools that serve the clients in these proportions: `{ a = 90 b = 10 }`. A client is assigned by its address, so ' +
      'it stays with its pool.',
    isOurs: true,
  }),
  reject: optional('reject', choice(['close', 'reset']), {
    doc:
      'The clients are disconnected: `close` in order (FIN, or RST if more than 64 KiB of ' +
      'the client are unread), `reset` at once (RST).',
    isOurs: true,
  }),
}

const NEEDS_TARGET = "this route needs a target: 'pool', 'split' or 'reject'"

export const routeBlock = completedBlock(
  'route',
  'Selects the pool of clients. Routes apply in the order of the configuration: the first one whose conditions all ' +
    'match a client decides; a condition with several values matches one of them. Clients that no route matches are ' +
    'served by the pool `default`, and refused without one. Clients of listeners with a `pool` are not routed.',
  { ...conditionRows, ...targetRows },
  ({ pool, position, reject, split, ...conditions }, { hasMistakes, refuse }) => {
    const targets = [pool, split, reject].filter((target) => target !== undefined)
    if (targets.length === 0) return refuse(NEEDS_TARGET)
    if (targets.length > 1) return refuse("a route has one target: 'pool', 'split' or 'reject'")
    return { position, conditions, target: { pool, split, reject }, hasMistakes }
  },
)

export type RouteSettings = SettingsOf<typeof routeBlock>
