import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { needs } from '../harness/needs.js'
import { tcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { IN_FORCE, reload } from '../harness/reload.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { variants } from '../harness/variants.js'

const LISTENING = 'address = 127.0.0.1 port = 0'
const PLAN = relayTo({ directive: 'address = 127.0.0.1 port = 9' })

/** Paths that only have what the test puts there: a loop of symbolic links, and a folder in place of a file. */
function folderWith(t: TestContext): string {
  const folder = temporaryFolder(t)
  symlinkSync('loop', join(folder, 'loop'))
  mkdirSync(join(folder, 'folder'))
  return folder
}

/** What a start refuses: its exit code, and its first line after the position. */
type Refused = readonly [what: string, plan: typeof PLAN, code: number, text: string]

const REFUSED = variants<Refused>(
  [
    [
      'the PROXY protocol from anybody',
      PLAN.listeningOn(`${LISTENING} haproxy = yes`),
      78,
      "'proxy protocol' requires 'proxy from', the networks of the proxies whose headers are used",
    ],
    ['an access log', PLAN.with('access log = FOLDER/loop'), 73, "cannot write 'FOLDER/loop': too many symb"],
    ['a pidfile', PLAN.withMaster('pidfile = FOLDER/loop'), 73, "cannot write 'FOLDER/loop': too many"],
    [
      'a test of routes that fails',
      PLAN.with('test "x" { from = 10.0.0.1 expect reject }'),
      78,
      'test "x": expected reject, but no route matches, and pool default serves the rest',
    ],
    ['no listeners', PLAN.listeningOn(), 71, 'no listeners defined'],
    ['a mechanism', PLAN.withTop('setenv IO_POLL_MECHANISM = none'), 78, 'IO_POLL_MECHANISM'],
    [
      'ports that the kernel ignores',
      PLAN.with('local port range = 1000-2000'),
      78,
      'local port range = 1000-2000: not',
    ],
  ],
  [
    ['a folder as access log', PLAN.with('access log = FOLDER/folder'), 78, "'FOLDER/folder' is a directory"],
    [
      'a trace file',
      PLAN.withTop('debug redirect = FOLDER/loop'),
      73,
      "cannot write 'FOLDER/loop': too many",
    ],
    [
      'no folder of a pidfile',
      PLAN.withMaster('pidfile = FOLDER/no/x'),
      78,
      "cannot use directory 'FOLDER/no'",
    ],
    [
      'a folder as pidfile',
      PLAN.startedWith('-p', 'FOLDER/folder'),
      73,
      "cannot write 'FOLDER/folder': it is a",
    ],
    ['no remotes', relayTo(), 64, 'no remotes defined'],
  ],
)

for (const [what, plan, code, text] of REFUSED) {
  test(`-P refuses what a start refuses: ${what}`, async (t) => {
    const folder = folderWith(t)
    const within = (words: string) => words.replaceAll('FOLDER', folder)
    const file = join(folder, 'relay.cfg')
    writeFileSync(file, within(plan.text))
    const words = [...plan.parts.words.map(within), file]
    const started = await tcprelay(t, words)
    const checked = await tcprelay(t, ['-P', ...words])
    const firstLine = ({ stderr }: { readonly stderr: string }) => stderr.split('\n')[0] ?? ''
    assert.deepEqual([checked.code, firstLine(checked)], [started.code, firstLine(started)])
    assert.equal(started.code, code, started.stderr)
    assert.ok(firstLine(started).includes(within(text)), started.stderr)
  })
}

test('both refuse a file that the user may not write', async (t) => {
  if (!needs(t, 'setpriv')) return
  const file = PLAN.with('access log = /proc/version').file(t)
  for (const options of [[], ['-P']]) {
    const { code, stderr } = await tcprelay(t, [...options, file], {
      under: process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all'] : [],
    })
    assert.equal(code, 73)
    assert.match(stderr, /relay\.cfg:\d+:\d+: cannot write '\/proc\/version': permission denied\n/)
  }
})

test('a reload with an access log that cannot be written changes nothing', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote)
  const relay = await plan.start(t)
  const loop = join(folderWith(t), 'loop')
  await reload(relay, plan.with(`access log = ${loop}`).text, /the old one goes on/)
  await relay.logged(/cannot write '.*loop': too many symbolic links/)
})

test('a reload with a test of routes that fails changes nothing, and one with tests that hold is in force', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote).start(t)
  const routed = relayTo(remote).with('route = { source = 10.0.0.0/8 reject = reset }')
  const expecting = (pool: string) => routed.with(`test "x" { from = 10.0.0.1 expect ${pool} }`).text
  await reload(relay, expecting('pool = default'), /is wrong: the old one goes on/)
  await relay.logged(/test "x": expected pool default, but route 1 \(line \d+\) rejects the client \(reset\)/)
  await reload(relay, expecting('reject'), IN_FORCE)
})

test('-P only warns of a port that needs a privilege', async (t) => {
  if (!needs(t, 'setpriv')) return
  const file = PLAN.listeningOn('address = 127.0.0.1 port = 7').file(t)
  const { code, stderr } = await tcprelay(t, ['-P', file], {
    under: process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-net_bind_service'] : [],
  })
  assert.equal(code, 0)
  assert.match(stderr, /warning: cannot bind 127\.0\.0\.1:7 without CAP_NET_BIND_SERVICE: ports below 1024/)
})

test('-P names the sections that it checks if there are others', async (t) => {
  const file = join(temporaryFolder(t), 'relay.cfg')
  const other = 'id = spare {\n  listen { port = 1 }\n}\n'
  writeFileSync(file, other + PLAN.text)
  const chosen = await tcprelay(t, ['-P', file])
  const sections = `master: section 'spawnd' (${file}:4); relay: section 'tcprelay' (${file}:9)`
  const line = `${sections}; not chosen: 'spare' (${file}:1)\n`
  assert.deepEqual([chosen.code, chosen.stdout, chosen.stderr], [0, line, ''])
  writeFileSync(file, other.replace('port', 'prot') + PLAN.text)
  for (const options of [[], ['-P']]) {
    const { code, stderr } = await tcprelay(t, [...options, file])
    assert.equal(code, 78)
    assert.match(stderr, /relay\.cfg:2:12: /)
  }
})
