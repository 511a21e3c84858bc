import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { CHILDREN_ACCEPT, SINGLE } from '../harness/modes.js'
import { runTestFile } from '../harness/test-file.js'
import { OTHER_VARIANTS } from '../harness/variants.js'

const IN_MODES = new RegExp(`${SINGLE.name}|${CHILDREN_ACCEPT.name}`)
const DIRECTLY = /direct$/

/** Files with cases in several variants, and what names of the cases contain that the normal run leaves out. */
const FILES: Readonly<Record<string, RegExp>> = {
  'access-log': IN_MODES,
  admission: new RegExp(`${IN_MODES.source}|overload = close`),
  'child-crash': /: rejection$/,
  'close-on-exec': IN_MODES,
  datagrams: /1472 bytes|9000 bytes|overload = reset/,
  direct: /overload = close/,
  inspector: new RegExp(`${IN_MODES.source}|${DIRECTLY.source}`),
  mavis: IN_MODES,
  'mavis-bytes': IN_MODES,
  'mavis-endings': IN_MODES,
  'mavis-external': /in python3/,
  mechanisms: /^accept = direct/,
  mptcp: /splice = (yes|no)$/,
  names: /^(a single process|a master): /,
  outages: DIRECTLY,
  places: /can be a Unix socket/,
  pools: IN_MODES,
  ports: IN_MODES,
  reload: /^a single process: /,
  retire: /^retire = 3/,
  'rogue-child':
    /(int32|flood), direct$|link-random, broker$|bad-configuration|(new ones start|is not): direct$/,
  routes: IN_MODES,
  signals: /SIGINT/,
  'start-lines': DIRECTLY,
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

/** An import of variants. Only mavis-external has them from elsewhere. */
const HAS_VARIANTS = /'\.\.\/harness\/(variants|modes)\.js'/

test('every file that has variants is listed', () => {
  const here = new URL('./', import.meta.url)
  const files = readdirSync(here).filter((name) => /^[\w-]+\.test\.js$/.test(name))
  const found = files.filter((name) => HAS_VARIANTS.test(readFileSync(new URL(name, here), 'utf8')))
  const names = found.map((name) => name.replace('.test.js', ''))
  assert.deepEqual(
    names.filter((name) => !(name in FILES)),
    [],
  )
})

for (const [name, only] of Object.entries(FILES)) {
  test(`${name}: the variants beyond the normal run`, () => runTestFile(name, OTHER_VARIANTS, only))
}
