/** The directives of a route. */
import { networks } from './access-rule.js'
import { CONDITION_TYPES, CONDITION_WORDS } from './condition-types.js'
import { located } from './located.js'
import { nameType } from './name-type.js'
import { count, time, yesNo } from './number-types.js'
import { routePorts } from './port-types.js'
import { completedBlock, folded, optional, type Settings, type SettingsOf } from './row.js'
import { serverNamePattern } from './server-name-type.js'
import { splitShares } from './split-type.js'
import { ruleRows } from './table-rules.js'
import { choice, shortText, text } from './text-types.js'
import { commaList, type ValueType } from './value-type.js'

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
    CONDITION_TYPES.serverNames,
    'Clients that request this server name by TLS (SNI). `*.example.com` matches all names below `example.com` at any ' +
      'depth, `*` any name. Case-insensitive; internationalized names may be written as they are.',
  ),
  alpn: condition(
    CONDITION_WORDS.alpn,
    CONDITION_TYPES.alpn,
    'Clients that offer this application protocol by TLS (ALPN), such as `h2`; where TLS is terminated, clients with ' +
      'which it was negotiated.',
  ),
  protocols: condition(
    CONDITION_WORDS.protocols,
    CONDITION_TYPES.protocols,
    'Clients whose first bytes are of this protocol; `any` matches whatever they are. Where TLS is terminated, the ' +
      'protocol inside by the name that was negotiated (ALPN): `tls` does not match there.',
  ),
  tlsVersions: condition(
    CONDITION_WORDS.tlsVersions,
    CONDITION_TYPES.tlsVersions,
    'Clients with this version of TLS; where TLS is passed, the newest version that the client offers.',
  ),
  subjects: condition(
    CONDITION_WORDS.subjects,
    CONDITION_TYPES.subjects,
    'Clients with a verified certificate of this subject, in the form of RFC 2253 and quoted: `"CN=joe,O=Example"`. ' +
      '`*` stands for any characters. Case-sensitive.',
  ),
  issuers: condition(
    CONDITION_WORDS.issuers,
    CONDITION_TYPES.issuers,
    'Like `client certificate subject`, for the issuer of the certificate.',
  ),
  alternativeNames: condition(
    CONDITION_WORDS.alternativeNames,
    CONDITION_TYPES.alternativeNames,
    'Clients with a verified certificate that has this subject alternative name: `DNS:*.example.com`, `IP:10.0.0.1`, ' +
      '`email:joe@example.com`, `URI:spiffe://…`; without the type a name of any type. `*` stands for any characters. ' +
      'Case-sensitive for URIs only.',
  ),
  fingerprints: condition(
    CONDITION_WORDS.fingerprints,
    CONDITION_TYPES.fingerprints,
    'Clients with a verified certificate of this SHA-256 fingerprint: 64 hexadecimal digits, with or without colons.',
  ),
  users: condition(
    'user',
    commaList(text('NAME')),
    'Clients that TLS identifies as this user: by the common name of a verified certificate, or by the identity of a ' +
      'pre-shared key. Case-sensitive.',
  ),
  times: condition(
    CONDITION_WORDS.times,
    CONDITION_TYPES.times,
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

const LOOKUP_TIMEOUT_MS = 5_000

const NEEDS_NAMES = "a dynamic route needs 'dynamic names': the names that clients may ask for"

const dynamicRows = {
  dynamic: optional('dynamic', yesNo, {
    doc:
      'The clients are connected to the very host that they ask for by their server name (SNI), if `dynamic names` has ' +
      'it. The name is looked up by DNS (neither /etc/hosts nor a search list applies) and the answer is kept for its ' +
      'TTL, at least a second. Addresses that are not public (loopback, link-local, private, unique local, CGNAT, ' +
      'multicast, documentation and other special networks, also as IPv4-mapped or NAT64 addresses) and those of this ' +
      'machine are not used, unless they are in `dynamic addresses`; what is connected to is an address of the answer ' +
      'that was checked. Connections are plain TCP: where the listener terminates TLS, the host gets the decrypted ' +
      'data. Timeouts and source address are those of the section, or of the listener. Where a master of another ' +
      'program passes clients on, names are known of those whose TLS is terminated.',
    defaultText: '`no`',
    isOurs: true,
  }),
  dynamicNames: condition(
    ['dynamic names|name'],
    commaList(serverNamePattern),
    'Names that clients of a dynamic route may ask for, mandatory; in the form of `server name`. `*` allows any name. ' +
      'Clients that ask for another name, or for none, are disconnected (`end=name-not-allowed`).',
  ),
  dynamicPort: optional('dynamic port', count({ min: 1, max: 65_535 }, 'PORT'), {
    doc: 'Port of the hosts of a dynamic route.',
    defaultText: 'the port that the client connected to',
    isOurs: true,
  }),
  dynamicAddresses: condition(
    ['dynamic addresses|address'],
    networks,
    'Networks that hosts of a dynamic route may be in although they are not public, or addresses of this machine.',
  ),
  dynamicTimeoutMs: optional('dynamic timeout', time({ min: 1 }), {
    doc: 'How long a client waits for the addresses of its host.',
    defaultText: `${LOOKUP_TIMEOUT_MS / 1_000}`,
    isOurs: true,
  }),
}

const routeRuleRows = ruleRows({
  whose:
    'Access rules for the clients that this route matches, as in section `spawnd`: they have to pass the rules of the section ' +
    'and of their listener as well. A client that they reject is refused (`end=route-rule`), and no other route is tried.',
})

const TARGETS = "'pool', 'split', 'reject' or 'dynamic = yes'"

export const routeBlock = completedBlock(
  'route',
  'Selects the pool of clients. Routes apply in the order of the configuration: the first one whose conditions all ' +
    'match a client decides; a condition with several values matches one of them. Clients that no route matches are ' +
    'served by the pool `default`, and refused without one. Clients of listeners with a `pool` are not routed.',
  { ...conditionRows, ...targetRows, ...dynamicRows, ...routeRuleRows },
  (given, { hasMistakes, refuse }) => {
    const { accessDefault, accessRules, ...others } = given
    const { dynamic, dynamicAddresses, dynamicNames, dynamicPort, dynamicTimeoutMs, ...rest } = others
    const { pool, position, reject, split, ...conditions } = rest
    const targets = [pool, split, reject, dynamic || undefined].filter((target) => target !== undefined)
    const wrong = dynamicProblem(given)
    if (wrong !== undefined) return refuse(wrong)
    if (targets.length === 0) return refuse(`this route needs a target: ${TARGETS}`)
    if (targets.length > 1) return refuse(`a route has one target: ${TARGETS}`)
    const hosts = {
      names: dynamicNames ?? [],
      networks: dynamicAddresses ?? [],
      port: dynamicPort,
      timeoutMs: dynamicTimeoutMs ?? LOOKUP_TIMEOUT_MS,
    }
    const target = { pool, split, reject, dynamic: dynamic === true ? hosts : undefined }
    return { position, conditions, target, accessDefault, accessRules, hasMistakes }
  },
)

function dynamicProblem(given: Settings<typeof dynamicRows>): string | undefined {
  const { dynamic, dynamicNames } = given
  if (dynamic === true) return dynamicNames === undefined ? NEEDS_NAMES : undefined
  const useless = Object.keys(dynamicRows) as (keyof typeof dynamicRows)[]
  const first = useless.find((key) => key !== 'dynamic' && given[key] !== undefined)
  return first && `'${dynamicRows[first].spellings[0]?.replace(/\|.*/, '')}' requires 'dynamic = yes'`
}

export type RouteSettings = SettingsOf<typeof routeBlock>
