import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import * as c from '../../src/kernel/constants.js'
import { temporaryFolder } from '../harness/clean-up.js'
import { hasMultipath, multipathPeers, NO_MULTIPATH } from '../harness/multipath.js'
import { spaces } from '../harness/namespaces.js'
import { type Peer, type PeerServer, rawPeers } from '../harness/peers.js'
import { tcprelay } from '../harness/program.js'
import { type Relay, relayTo } from '../harness/relay.js'
import { until } from '../harness/until.js'
import { variants } from '../harness/variants.js'
import { lookAtSession } from '../support/borrowed-sockets.js'
import { calls } from '../support/sockets.js'
import { textOption } from '../support/text-option.js'
import { whole } from './transfers.js'

const MiB = 1024 * 1024

/** Traces of sessions: NET in the original's mask. */
const TRACED = ['-d', '16384']

const MULTIPATH = { protocol: c.IPPROTO_MPTCP }
const LISTENING = 'address = 127.0.0.1 port = 0 protocol = MPTCP'

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean)
  } catch {
    return []
  }
}

interface Stage {
  readonly relay: Relay
  readonly log: string
  join(): Promise<{ readonly client: Peer; readonly server: Peer }>
}

/** Listener and remote are configured for MPTCP; the peers speak what they can. */
async function stageFor(
  t: TestContext,
  speak: { readonly client: object; readonly server: object },
  ...lines: readonly string[]
): Promise<Stage | undefined> {
  const peers = multipathPeers(t)
  if (!peers) return undefined
  const listening: PeerServer = await peers.listen(speak.server)
  const log = join(temporaryFolder(t), 'access.log')
  const relay = await relayTo({ directive: `${listening.directive} protocol = MPTCP` })
    .listeningOn(LISTENING)
    .with(`access log = ${log}`, ...lines)
    .startedWith(...TRACED)
    .start(t)
  return {
    relay,
    log,
    async join() {
      const client = await peers.connect(relay.port(), speak.client)
      return { client, server: await listening.accept() }
    },
  }
}

for (const [client, server, words] of [
  [MULTIPATH, MULTIPATH, 'mptcp=yes remote_mptcp=yes'],
  [{}, MULTIPATH, 'mptcp=no remote_mptcp=yes'],
  [MULTIPATH, {}, 'mptcp=yes remote_mptcp=no'],
  [{}, {}, 'mptcp=no remote_mptcp=no'],
] as const) {
  test(`the access log shows which side speaks MPTCP: ${words}`, async (t) => {
    const stage = await stageFor(t, { client, server })
    if (stage === undefined) return
    const pair = await stage.join()
    await pair.client.send('hello')
    assert.equal(await pair.server.read(5), 'hello')
    await pair.server.send('welcome')
    assert.equal(await pair.client.read(7), 'welcome')
    await pair.client.endWriting()
    assert.equal(await pair.server.ending(), 'end')
    await pair.server.endWriting()
    assert.equal(await pair.client.ending(), 'end')
    const [line = ''] = await until('a line', () => linesOf(stage.log).length === 1 && linesOf(stage.log))
    assert.match(line, new RegExp(` ${words} to_remote=5 to_client=7 .* end=done$`))
    const told = stage.relay.program.stderr.matching(/TCP instead of MPTCP/)
    assert.equal(told.length, words.split('=no').length - 1, told.join('\n'))
  })
}

const BULK = variants<readonly [splice: string, to: 'MPTCP' | 'TCP']>(
  [['auto', 'MPTCP']],
  [
    ['auto', 'TCP'],
    ['yes', 'MPTCP'],
    ['yes', 'TCP'],
    ['no', 'MPTCP'],
    ['no', 'TCP'],
  ],
)

for (const [splice, to] of BULK) {
  const speak = { client: MULTIPATH, server: to === 'MPTCP' ? MULTIPATH : {} }
  test(`bulk from MPTCP to ${to} both ways arrives whole, with splice = ${splice}`, async (t) => {
    const stage = await stageFor(t, speak, `splice = ${splice}`)
    if (stage === undefined) return
    const { client, server } = await stage.join()
    await Promise.all([whole(client, server, 32 * MiB), whole(server, client, 32 * MiB)])
  })
}

test('messages of all sizes over MPTCP are read completely, one at a time', async (t) => {
  const stage = await stageFor(t, { client: MULTIPATH, server: MULTIPATH })
  if (stage === undefined) return
  const { client, server } = await stage.join()
  for (let i = 0; i < 400; i++) {
    // Sizes around those of segments and of the relay's blocks, from a few bytes to 200 KB.
    const size = 1 + ((i * 7_919) % (i % 10 === 0 ? 200_000 : 3_000))
    await client.send('x'.repeat(size))
    assert.equal((await server.read(size)).length, size)
    await server.send('y'.repeat(size))
    assert.equal((await client.read(size)).length, size)
  }
})

test('MPTCP sockets have the configured options', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root: a mark takes CAP_NET_ADMIN')
  const peers = multipathPeers(t)
  if (!peers) return
  const listening = await peers.listen(MULTIPATH)
  const there = 'protocol = MPTCP dscp = 12 fwmark = 9 bind to device = lo congestion = reno'
  const relay = await relayTo({ directive: `${listening.directive} ${there}` })
    .listeningOn(`${LISTENING} dscp = 34 fwmark = 5 bind to device = lo congestion = cubic defer accept = 9`)
    .with('local port range = 46000-46099', 'access log = stderr')
    .start(t)
  const client = await peers.connect(relay.port(), MULTIPATH)
  await client.send('hello')
  const server = await listening.accept()
  assert.ok(server.from.port >= 46_000 && server.from.port <= 46_099, `from port ${server.from.port}`)
  const both = lookAtSession(relay.pid, relay.port(), (session) =>
    [session.client, session.remote].map((fd) => ({
      dscp: calls.getOption(fd, c.IPPROTO_IP, c.IP_TOS) >> 2,
      fwmark: calls.getOption(fd, c.SOL_SOCKET, c.SO_MARK),
      device: textOption(fd, c.SOL_SOCKET, c.SO_BINDTODEVICE),
      congestion: textOption(fd, c.IPPROTO_TCP, c.TCP_CONGESTION),
    })),
  )
  assert.deepEqual(both, [
    { dscp: 34, fwmark: 5, device: 'lo', congestion: 'cubic' },
    { dscp: 12, fwmark: 9, device: 'lo', congestion: 'reno' },
  ])
  await client.close()
  await server.ending()
  await server.close()
  await relay.logged(/mptcp=yes remote_mptcp=yes/)
})

test('a reset is forwarded from MPTCP', async (t) => {
  const stage = await stageFor(t, { client: MULTIPATH, server: MULTIPATH })
  if (stage === undefined) return
  const { client, server } = await stage.join()
  await client.send('hello')
  assert.equal(await server.read(5), 'hello')
  await client.reset()
  assert.equal(await server.ending(), 'ECONNRESET')
  await until('a line', () => linesOf(stage.log).length === 1)
  assert.match(linesOf(stage.log)[0] ?? '', / end=client-reset reason=connection_reset_by_peer$/)
})

test('MPTCP turned off in the system gives a warning, and TCP is used', async (t) => {
  const [space] = spaces(t, 1) ?? []
  if (space === undefined) return
  if (!hasMultipath()) return t.skip(NO_MULTIPATH)
  space.set('mptcp/enabled', '0')
  const peers = rawPeers(t, space.under)
  if (!peers) return
  const listening = await peers.listen()
  const plan = relayTo({ directive: `${listening.directive} protocol = MPTCP` }).listeningOn(LISTENING)
  const file = plan.file(t)
  const checked = await tcprelay(t, ['-P', file], { under: space.under })
  assert.equal(checked.stderr.match(/warning: protocol = MPTCP: not supported by this kernel/g)?.length, 2)
  assert.equal(checked.code, 0)
  const relay = await plan.running({ under: space.under }).start(t)
  await relay.logged(
    /warning: protocol = MPTCP: not supported by this kernel, or net\.mptcp\.enabled is 0: TCP is used instead/,
    2,
  )
  const client = await peers.connect(relay.port())
  const server = await listening.accept()
  await client.send('hello')
  assert.equal(await server.read(5), 'hello')
})
