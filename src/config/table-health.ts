/** The directives of health checks, which a pool has for all of its remotes and each remote for itself. */
import { PROBE_NAMES, type ProbeName } from '../base/probe-names.js'
import { clientAddress } from './client-address-type.js'
import { failAfter } from './fail-after-type.js'
import { command } from './helper-program.js'
import { count, time } from './number-types.js'
import { block, optional, optionalBlock, type Rows, type SettingsOf } from './row.js'
import { ldapRows, mqttRows, mysqlRows, postgresRows, tlsRows, tlsTypeRows } from './table-health-binary.js'
import { agentRows, expectRows, httpRows, redisRows, smtpRows } from './table-health-text.js'
import { choice } from './text-types.js'

/** A check more often than that says nothing more, and is an attack. */
const INTERVAL_MIN_MS = 10
const INTERVAL_MAX_MS = 86_400_000
const interval = time({ min: INTERVAL_MIN_MS, max: INTERVAL_MAX_MS })

const RESULTS_MAX = 1_000
const results = count({ min: 1, max: RESULTS_MAX })

const commonRows = {
  type: optional('type', choice(['none', ...PROBE_NAMES]), {
    doc:
      'What is checked: `tcp`: that the remote accepts a connection; `tls`: a TLS handshake, and the days until the ' +
      'certificate expires; `http`: the response to a request of HTTP/1.1; ' +
      '`expect`: the answers to given texts; `redis`: that it answers PING, and its role; `smtp`: greeting and EHLO of a mail ' +
      'server; `agent`: what a program beside the server says in the text protocol of the `agent-check` of HAProxy: up, down, ' +
      'part of the weight, drain or maint; `mysql`, `postgres`, `ldap`, `mqtt`: an exchange in the protocol of the server; `exec`: what a program says; `none`: nothing.',
    defaultText: '`tcp`',
    isOurs: true,
  }),
  intervalMs: optional('interval', interval, {
    doc: 'Time from the begin of one check to the begin of the next one.',
    defaultText: '2',
    isOurs: true,
  }),
  fastIntervalMs: optional('fast interval', interval, {
    doc: 'The same while the last results contradict the state of the remote, until `rise` or `fall` is reached.',
    defaultText: '`interval`',
    isOurs: true,
  }),
  downIntervalMs: optional('down interval', interval, {
    doc: 'The same while the remote is down.',
    defaultText: '`interval`',
    isOurs: true,
  }),
  timeoutMs: optional('timeout', time({ min: 1, max: INTERVAL_MAX_MS }), {
    doc: 'Time limit of one check as a whole.',
    defaultText: '`interval`, at most 5',
    isOurs: true,
  }),
  rise: optional('rise', results, {
    doc: 'Successful checks in a row after which a remote that is down is up again. The very first check decides alone.',
    defaultText: '2',
    isOurs: true,
  }),
  fall: optional('fall', results, {
    doc: 'Failed checks in a row after which a remote is down: it gets no new clients.',
    defaultText: '3',
    isOurs: true,
  }),
  failAfter: optional('fail after', failAfter, {
    doc:
      'So many failures that sessions see within the time exclude the remote: connections that fail, TLS that fails, and ' +
      'resets by the remote before it has sent a byte. It is excluded for `back-off first`, twice as long each time until `back-off max`. After ' +
      'that the health check brings it back (`rise`); without one (`type = none`) it is tried, and is up after the ' +
      'time, at most 10 s, with fewer failures and at least one connection. `max ejected` limits how many remotes that excludes.',
    defaultText:
      'with a check, failures of sessions only make the next check come sooner; without one, the first failure counts',
    isOurs: true,
  }),
  jitterPercent: optional('jitter', count({ max: 50 }), {
    doc: 'How much the times between checks vary at random, in percent of them, so that many relays do not check together.',
    defaultText: '10',
    isOurs: true,
  }),
  address: optional('address', clientAddress, {
    doc: 'IP address that is checked.',
    defaultText: "the remote's",
    isOurs: true,
  }),
  port: optional('port', count({ min: 1, max: 65_535 }, 'PORT'), {
    doc: 'Port that is checked.',
    defaultText: "the remote's, the first one of several; mandatory with `port = same`",
    isOurs: true,
  }),
  sendProxy: optional('send proxy', choice(['no', 'v1', 'v2']), {
    doc:
      'The connection begins with a header of the PROXY protocol of this version, which says that it is not for a client ' +
      '(`UNKNOWN`, `LOCAL`).',
    defaultText: 'that of the remote or its pool; `no` if `health` has a `port` or an `address`',
    isOurs: true,
  }),
}

/** Those of all types but `exec`. */
const otherRows = {
  ...tlsRows,
  ...tlsTypeRows,
  ...httpRows,
  ...expectRows,
  ...redisRows,
  ...smtpRows,
  ...agentRows,
  ...mysqlRows,
  ...postgresRows,
  ...ldapRows,
  ...mqttRows,
}

const execRows = {
  exec: optional('exec', command(firstWords({ ...commonRows, ...otherRows })), {
    doc:
      'Of `exec`: the program, with its argv[0] and its arguments, which end at the next directive: quote an argument that is ' +
      'spelled like a directive of this block or contains `=`, `,` or a bracket. It runs as the user of the master or the ' +
      'single process, with its environment and REMOTE_NAME, REMOTE_ADDRESS and REMOTE_PORT (also HAPROXY_SERVER_NAME, ' +
      'HAPROXY_SERVER_ADDR and HAPROXY_SERVER_PORT), and is killed with all of its processes at the `timeout`. The exit codes ' +
      'are those of plugins of Nagios: 0 up, 1 up with a warning, all others down; the first line of the output is logged. ' +
      'At most 16 run at once.',
    isOurs: true,
  }),
}

/** The directives that a type has besides the common ones. */
export const ROWS_OF_TYPE = {
  tcp: {},
  tls: tlsTypeRows,
  http: { ...httpRows, ...tlsRows },
  expect: { ...expectRows, ...tlsRows },
  redis: { ...redisRows, ...tlsRows },
  smtp: { ...smtpRows, ...tlsRows },
  mysql: mysqlRows,
  postgres: postgresRows,
  ldap: ldapRows,
  mqtt: mqttRows,
  agent: agentRows,
  exec: execRows,
} satisfies Record<ProbeName, Rows>

const healthRows = { ...commonRows, ...otherRows, ...execRows }

/** The words with which these directives can begin. */
function firstWords(rows: Rows): string[] {
  const spellings = Object.values(rows).flatMap((row) => row.spellings)
  return [...new Set(['exec', ...spellings.flatMap((spelling) => spelling.split(' ')[0]?.split('|') ?? [])])]
}

export const healthBlock = block(
  'health',
  'Health check: each remote is connected to at intervals, by the master or the single process, and gets new clients only ' +
    'while it passes. Without it a remote is skipped for a time after a client could not be connected to it. A pool with a ' +
    'block of its own takes nothing from that of the section; in a remote, the block overrides single directives of its pool.',
  healthRows,
)

export const healthRow = optionalBlock('health', healthBlock, { isOurs: true })

export type HealthSettings = SettingsOf<typeof healthBlock>

/** `type` after the block of the remote, that of the pool and the default. */
export type HealthType = ProbeName | 'none'
