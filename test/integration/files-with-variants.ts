import { CHILDREN_ACCEPT, SINGLE } from '../harness/modes.js'

const IN_MODES = new RegExp(`${SINGLE.name}|${CHILDREN_ACCEPT.name}`)
const WITH_TWO = new RegExp(`^(${SINGLE.name}|two children that accept): `)
const DIRECTLY = /direct$/

/** Files with cases in several variants, and what names of the cases contain that the normal run leaves out. */
export const FILES_WITH_VARIANTS: Readonly<Record<string, RegExp>> = {
  'access-log': IN_MODES,
  admission: new RegExp(`${IN_MODES.source}|overload = close`),
  'check-and-start':
    /refuses: (a folder as access log|a trace file|no folder of a pidfile|a folder as pidfile|no remotes)$/,
  'child-crash': /: rejection$/,
  'close-on-exec': IN_MODES,
  crash: /: rejection$/,
  datagrams: /datagram of (1|1472|9000|65507) bytes|overload = reset/,
  direct: /overload = close/,
  'dynamic-routes': new RegExp(`^(${IN_MODES.source}): `),
  inspector: new RegExp(`${IN_MODES.source}|${DIRECTLY.source}`),
  mavis: IN_MODES,
  'mavis-bytes': IN_MODES,
  'mavis-endings': IN_MODES,
  'mavis-external': /in (sh|python3)/,
  'mavis-remote': /^(UDP and Blowfish|UDP over IPv6|a Unix socket): (replaces|ignores)/,
  'master-signals': /^SIGINT|^SIGHUP to a child/,
  'max-connections': WITH_TWO,
  mechanisms: /^accept = direct/,
  mptcp: /splice = (yes|no)$|to TCP both ways/,
  names: /^(a single process|a master): /,
  'on-recovery': IN_MODES,
  outages: DIRECTLY,
  places: /can be a Unix socket/,
  'policy-memory': /direct$|: least-use, /,
  pools: IN_MODES,
  ports: IN_MODES,
  queue: new RegExp(`${WITH_TWO.source}|under load$`),
  reload: /^a single process: /,
  retire: /^retire = 3/,
  routes: IN_MODES,
  'rogue-child':
    /(int32|flood), direct$|link-(random|object|resolve), broker$|bad-configuration|(new ones start|is not): direct$/,
  signals: /SIGINT|of grace period = 1$/,
  'slow-start': DIRECTLY,
  'start-lines': DIRECTLY,
  sticky: DIRECTLY,
  surroundings: IN_MODES,
  titles: DIRECTLY,
  tls: /^TLSv1\.2: /,
  'tls-ocsp': DIRECTLY,
  'tls-psk': /^TLSv1\.2: /,
  'tls-reload': /^a single process: /,
  'unix-names': IN_MODES,
  'unix-users': IN_MODES,
  'unread-stderr': new RegExp(`${IN_MODES.source}|unread socket`),
  users: /userid = \d+ keep|with groupid|have groupid/,
  'working-directory': IN_MODES,
}
