import { CHILDREN_ACCEPT, SINGLE } from '../harness/modes.js'

const IN_MODES = new RegExp(`${SINGLE.name}|${CHILDREN_ACCEPT.name}`)
const WITH_TWO = new RegExp(`^(${SINGLE.name}|two children that accept): `)
const DIRECTLY = /direct$/

/** Files with cases in several variants, and what names of the cases contain that the normal run leaves out. */
export const FILES_WITH_VARIANTS: Readonly<Record<string, RegExp>> = {
  'access-log': IN_MODES,
  admission: new RegExp(`${IN_MODES.source}|overload = close`),
  'child-crash': /: rejection$/,
  'close-on-exec': IN_MODES,
  datagrams: /1472 bytes|9000 bytes|overload = reset/,
  direct: /overload = close/,
  'dynamic-routes': new RegExp(`^(${IN_MODES.source}): `),
  health: IN_MODES,
  inspector: new RegExp(`${IN_MODES.source}|${DIRECTLY.source}`),
  mavis: IN_MODES,
  'mavis-bytes': IN_MODES,
  'mavis-endings': IN_MODES,
  'mavis-external': /in python3/,
  'max-connections': WITH_TWO,
  mechanisms: /^accept = direct/,
  mptcp: /splice = (yes|no)$/,
  names: /^(a single process|a master): /,
  'on-recovery': IN_MODES,
  outages: DIRECTLY,
  places: /can be a Unix socket/,
  'policy-memory': DIRECTLY,
  pools: IN_MODES,
  ports: IN_MODES,
  queue: WITH_TWO,
  reload: /^a single process: /,
  retire: /^retire = 3/,
  routes: IN_MODES,
  'rogue-child':
    /(int32|flood), direct$|link-random, broker$|bad-configuration|(new ones start|is not): direct$/,
  shed: WITH_TWO,
  signals: /SIGINT/,
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
  'unread-stderr': IN_MODES,
  users: /userid = \d+ keep|with groupid|have groupid/,
  'working-directory': IN_MODES,
}
