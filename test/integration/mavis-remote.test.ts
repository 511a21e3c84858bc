import assert from 'node:assert/strict'
import { lookup } from 'node:dns/promises'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { AV } from '../../src/base/mavis-attributes.js'
import { ERR, FINAL } from '../../src/mavis/module.js'
import type { MavisServer } from '../../src/mavis/settings.js'
import { temporaryFolder } from '../harness/clean-up.js'
import { freePort } from '../harness/free-ports.js'
import { type MavisdOptions, startMavisd } from '../harness/mavis/mavisd.js'
import { descriptorKinds } from '../harness/proc.js'
import { until } from '../harness/until.js'
import { variants } from '../harness/variants.js'
import { RemoteAsker } from '../support/remote-asker.js'

const udp = (host: string, port: number): MavisServer => ({
  target: { kind: 'udp', host, port },
  key: undefined,
})

/** A server address where nothing listens. */
const closedServer = async (): Promise<MavisServer> => udp('127.0.0.1', await freePort())

const sockets = (): number => descriptorKinds('self').get('socket') ?? 0

type Place = readonly [name: string, options: (folder: string) => MavisdOptions]

const PLACES = variants<Place>(
  [
    ['UDP', () => ({})],
    ['a Unix socket and Blowfish', (folder) => ({ at: `${folder}/mavis`, key: 'x'.repeat(80) })],
  ],
  [
    ['UDP and Blowfish', () => ({ key: 'a secret' })],
    ['UDP over IPv6', () => ({ at: '::1' })],
    ['a Unix socket', (folder) => ({ at: `${folder}/mavis` })],
  ],
)

for (const [name, options] of PLACES) {
  test(`${name}: replaces the query by the answer, byte for byte`, async (t) => {
    const folder = temporaryFolder(t)
    const mavisd = await startMavisd(t, options(folder))
    if (mavisd === undefined) return
    const asker = new RemoteAsker(t, [mavisd.server])
    const query = asker.query('answer')
    const all = Array.from({ length: 255 }, (_, i) => String.fromCharCode(i + 1)).join('')
    query.values[AV.VHOST] = all
    query.values[AV.RESULT] = 'NFD'
    const { code, values, comment = '' } = await asker.answerTo(query)
    assert.equal(code, FINAL)
    const asked = asker.query('answer').values
    assert.deepEqual(
      { ...values },
      {
        ...asked,
        [AV.RESULT]: 'ACK',
        [AV.COMMENT]: comment,
        [AV.SERIAL]: query.serial,
        [AV.VHOST]: all.replace('\r', '\n'),
      },
    )
    assert.equal((await asker.ask('nak')).result, 'NAK')
  })

  test(`${name}: ignores malformed and duplicate answers`, async (t) => {
    const folder = temporaryFolder(t)
    const mavisd = await startMavisd(t, options(folder))
    if (mavisd === undefined) return
    const asker = new RemoteAsker(t, [mavisd.server])
    for (const user of ['twice', 'serial', 'garbage', 'echo', 'stranger', 'answer']) {
      assert.equal((await asker.ask(user)).result, 'ACK', user)
    }
    await mavisd.hasBeenAsked(6)
    const { comment = '' } = await asker.ask('long')
    assert.equal(comment.length, 60_000)
    await mavisd.hasBeenAsked(7)
    assert.equal(mavisd.asked(), 7)
    const malformed = asker.said.filter((line) => line.includes('sent a malformed datagram'))
    assert.equal(malformed.length, 1)
    assert.deepEqual(asker.said, malformed)
  })
}

test('resolves the name of a server', async (t) => {
  temporaryFolder(t)
  const { address } = await lookup('localhost')
  const mavisd = await startMavisd(t, { at: address })
  if (mavisd === undefined) return
  const asker = new RemoteAsker(t, [udp('localhost', mavisd.port)])
  assert.equal((await asker.ask('answer')).result, 'ACK')
})

test('resends a lost query', async (t) => {
  temporaryFolder(t)
  const mavisd = await startMavisd(t)
  if (mavisd === undefined) return
  const asker = new RemoteAsker(t, [mavisd.server], { timeoutMs: 50, tries: 1_000 })
  assert.equal((await asker.ask('second')).result, 'ACK')
  assert.ok(mavisd.asked('second') >= 2)
})

test('answers ERR after all tries', async (t) => {
  temporaryFolder(t)
  const mavisd = await startMavisd(t)
  if (mavisd === undefined) return
  const asker = new RemoteAsker(t, [mavisd.server], { timeoutMs: 20, tries: 3 })
  const query = asker.query('never')
  const { code, result, comment } = await asker.answerTo(query)
  assert.deepEqual([code, result, comment], [FINAL, ERR, 'timed out'])
  assert.equal(query.values[AV.SERIAL], query.serial)
  await mavisd.hasBeenAsked(3)
  assert.deepEqual(asker.said, [
    `mavis module remote: server 127.0.0.1:${mavisd.port} failed: no answer; preferring other servers`,
  ])
  assert.equal(asker.remote.openCount, 0)
})

test('ends all tries before `mavis timeout`', async (t) => {
  temporaryFolder(t)
  const mavisd = await startMavisd(t)
  if (mavisd === undefined) return
  const asker = new RemoteAsker(t, [mavisd.server], { tries: 4, mavisTimeoutMs: 200 })
  assert.equal((await asker.ask('never')).comment, 'timed out')
  await mavisd.hasBeenAsked(4)
})

test('accepts an answer of the first server after asking another', async (t) => {
  temporaryFolder(t)
  const slow = await startMavisd(t, { always: 'hold' })
  const silent = await startMavisd(t, { always: 'never' })
  if (slow === undefined || silent === undefined) return
  const asker = new RemoteAsker(t, [slow.server, silent.server], { timeoutMs: 100, tries: 1_000 })
  const answer = asker.ask('joe')
  await silent.hasBeenAsked(1)
  await slow.release()
  const { result, comment } = await answer
  assert.equal(result, 'ACK')
  assert.match(comment ?? '', new RegExp(`${slow.port}`))
  assert.equal(asker.remote.openCount, 0)
})

test('moves on from a refusing server at once and avoids it', async (t) => {
  temporaryFolder(t)
  const mavisd = await startMavisd(t)
  if (mavisd === undefined) return
  const dead = await closedServer()
  const asker = new RemoteAsker(t, [dead, mavisd.server])
  for (let i = 0; i < 5; i++) assert.equal((await asker.ask('answer')).result, 'ACK')
  assert.equal(asker.said.length, 1)
  assert.match(
    asker.said[0] ?? '',
    /^mavis module remote: server 127\.0\.0\.1:\d+ failed: connection refused; preferring other servers$/,
  )
})

test('asks a failed server again after `rebalance` queries', async (t) => {
  temporaryFolder(t)
  const first = await startMavisd(t)
  const second = await startMavisd(t, { always: 'answer' })
  if (first === undefined || second === undefined) return
  const asker = new RemoteAsker(t, [first.server, second.server], { timeoutMs: 1_000, rebalance: 3 })
  const whoAnswers = async (user: string) =>
    ((await asker.ask(user)).comment ?? '').replace(/.* (\d+)\)/, '$1')
  for (const user of ['never', 'answer', 'answer']) assert.equal(await whoAnswers(user), `${second.port}`)
  assert.equal(await whoAnswers('answer'), `${first.port}`)
  assert.deepEqual(asker.said, [
    `mavis module remote: server 127.0.0.1:${first.port} failed: no answer; preferring other servers`,
    `mavis module remote: server 127.0.0.1:${first.port} answers again`,
  ])
})

test('prefers the server with the fewest open queries', async (t) => {
  temporaryFolder(t)
  const servers = [await startMavisd(t, { always: 'hold' }), await startMavisd(t, { always: 'hold' })]
  const [first, second] = servers
  if (first === undefined || second === undefined) return
  const asker = new RemoteAsker(t, [first.server, second.server])
  const answers = Array.from({ length: 6 }, (_, i) => asker.ask(`hold-${i}`))
  await first.hasBeenAsked(3)
  await second.hasBeenAsked(3)
  await first.release()
  const more = Array.from({ length: 2 }, () => asker.ask('hold-again'))
  await first.hasBeenAsked(2, 'hold-again')
  await Promise.all([first.release(), second.release()])
  const results = (await Promise.all([...answers, ...more])).map(({ result }) => result)
  assert.deepEqual(results, Array(8).fill('ACK'))
})

test('ignores answers from other senders', async (t) => {
  temporaryFolder(t)
  const first = await startMavisd(t)
  const second = await startMavisd(t)
  if (first === undefined || second === undefined) return
  const asker = new RemoteAsker(t, [first.server, second.server])
  const query = asker.query('hold')
  const answer = asker.answerTo(query)
  await first.hasBeenAsked(1)
  assert.equal((await asker.ask(`forge-${query.serial}`)).result, 'ACK')
  await first.release()
  assert.equal((await answer).result, 'ACK')
  assert.equal(second.asked('forge.*'), 1)
})

test('does not answer a withdrawn query', async (t) => {
  const folder = temporaryFolder(t)
  for (const at of ['127.0.0.1', `${folder}/mavis`]) {
    const mavisd = await startMavisd(t, { at })
    if (mavisd === undefined) return
    const asker = new RemoteAsker(t, [mavisd.server])
    const query = asker.query('hold')
    asker.remote.ask(query, () => assert.fail('it was withdrawn'))
    await mavisd.hasBeenAsked(1)
    asker.remote.withdraw(query)
    assert.equal(asker.remote.openCount, 0)
    await mavisd.release()
    assert.equal((await asker.ask('answer')).result, 'ACK')
    asker.remote.withdraw(query)
  }
})

test('reconnects to a new Unix socket and fails at once without one', async (t) => {
  const folder = temporaryFolder(t)
  const at = `${folder}/mavis`
  const other = await startMavisd(t)
  const first = await startMavisd(t, { at })
  if (other === undefined || first === undefined) return
  const asker = new RemoteAsker(t, [first.server, other.server], { rebalance: 1 })
  assert.equal((await asker.ask('answer')).comment, at)
  await first.stop()
  assert.notEqual((await asker.ask('answer')).comment, at)
  rmSync(at)
  const again = await startMavisd(t, { at })
  await until('the new socket to be used', async () => (await asker.ask('answer')).comment === at)
  await again?.hasBeenAsked(1)
  assert.match(asker.said.join('\n'), /failed: connection refused; .*\n.* answers again/)
})

test('answers more queries than a Unix socket queues', async (t) => {
  const folder = temporaryFolder(t)
  const mavisd = await startMavisd(t, { at: `${folder}/mavis` })
  if (mavisd === undefined) return
  const asker = new RemoteAsker(t, [mavisd.server])
  const answers = await Promise.all(Array.from({ length: 500 }, () => asker.ask('answer')))
  assert.ok(answers.every(({ result }) => result === 'ACK'))
  await mavisd.hasBeenAsked(500)
  assert.equal(mavisd.asked(), 500)
})

test('does not block a server with unread answers', async (t) => {
  const folder = temporaryFolder(t)
  const mavisd = await startMavisd(t, { at: `${folder}/mavis` })
  if (mavisd === undefined) return
  const asker = new RemoteAsker(t, [mavisd.server])
  // More than fits into the server's send buffer.
  const queries = Array.from({ length: 1_000 }, () => asker.query('hold'))
  for (const query of queries) asker.remote.ask(query, () => assert.fail('it was withdrawn'))
  await mavisd.hasBeenAsked(1_000)
  for (const query of queries) asker.remote.withdraw(query)
  await mavisd.release()
})

test('limits the open queries', async (t) => {
  temporaryFolder(t)
  const asker = new RemoteAsker(t, [await closedServer()])
  const queries = Array.from({ length: 10_000 }, () => asker.query('never'))
  for (const query of queries) asker.remote.ask(query, () => assert.fail('no server answers'))
  const { code, result, comment } = await asker.ask('never')
  assert.deepEqual([code, result, comment], [FINAL, ERR, 'too many open queries'])
  await until('somebody to say that nobody listens', () => asker.said.length > 0)
  for (const query of queries) asker.remote.withdraw(query)
  assert.equal(asker.remote.openCount, 0)
  assert.equal(asker.said.length, 1)
})

test('answers ERR at once to unsendable queries and duplicate serials', async (t) => {
  temporaryFolder(t)
  const asker = new RemoteAsker(t, [await closedServer()])
  assert.equal((await asker.ask('a\0b')).comment, 'the query is too long or contains NUL')
  assert.equal((await asker.ask('x'.repeat(65_000))).comment, 'the query is too long or contains NUL')
  const query = asker.query('never')
  asker.remote.ask(query, () => assert.fail('no server answers'))
  const twin = { ...query, values: [...query.values] }
  assert.equal((await asker.answerTo(twin)).comment, 'another open query has the same serial')
  asker.remote.withdraw(twin)
  assert.equal(asker.remote.openCount, 1)
  asker.remote.withdraw(query)
})

test('fails a server on a foreign local address or an unknown name', async (t) => {
  temporaryFolder(t)
  // The label is too long for DNS, so no query is sent.
  const name = `${'x'.repeat(64)}.invalid`
  const options = { localAddress: '192.0.2.1', timeoutMs: 500, tries: 2 }
  const asker = new RemoteAsker(t, [udp('127.0.0.1', 9), udp(name, 9)], options)
  assert.equal((await asker.ask('answer')).result, ERR)
  await until('both failures to be logged', () => asker.said.length === 2)
  assert.deepEqual([...asker.said].sort(), [
    'mavis module remote: server 127.0.0.1:9 failed: address not available; preferring other servers',
    `mavis module remote: server ${name}:9 failed: cannot resolve '${name}': ENOTFOUND; preferring other servers`,
  ])
})

test('sends from the configured local address', async (t) => {
  temporaryFolder(t)
  const mavisd = await startMavisd(t)
  if (mavisd === undefined) return
  const asker = new RemoteAsker(t, [mavisd.server], { localAddress: '127.0.0.2' })
  assert.equal((await asker.ask('whence')).comment, '127.0.0.2')
})

test('closes idle sockets and reopens them on demand', async (t) => {
  const folder = temporaryFolder(t)
  for (const at of ['127.0.0.1', `${folder}/mavis`]) {
    const mavisd = await startMavisd(t, { at })
    if (mavisd === undefined) return
    const before = sockets()
    const asker = new RemoteAsker(t, [mavisd.server])
    for (let i = 0; i < 2; i++) {
      assert.equal((await asker.ask('answer')).result, 'ACK')
      assert.equal(sockets(), before + 1)
      asker.remote.releaseIdle()
      await until('the socket to be closed', () => sockets() === before)
    }
    const answer = asker.ask('answer')
    asker.remote.releaseIdle()
    assert.equal((await answer).result, 'ACK')
  }
})

test('closes all sockets in every state', async (t) => {
  const folder = temporaryFolder(t)
  for (const at of ['127.0.0.1', `${folder}/mavis`]) {
    const mavisd = await startMavisd(t, { at })
    if (mavisd === undefined) return
    const named = udp('localhost', 9)
    const before = sockets()
    for (const isAsked of [false, true]) {
      const asker = new RemoteAsker(t, [mavisd.server, named])
      const answers = Array.from({ length: 20 }, () => asker.ask('never'))
      if (isAsked) await mavisd.hasBeenAsked(1)
      await asker.remote.close()
      assert.equal(asker.remote.openCount, 0)
      assert.equal(sockets(), before)
      for (const { comment } of await Promise.all([...answers, asker.ask('answer')]))
        assert.equal(comment, 'the module is shutting down')
      assert.equal(sockets(), before)
    }
  }
})

/** Queries of the long runs. */
const MANY = process.env.TCPRELAY_TESTS === 'full' ? 100_000 : 10_000

/** Above the noise of the heap (below 1 MB), below a leak of 200 bytes per query. */
const GROWTH_BYTES_MAX = 2_000_000

/** Queries open at a mavisd at a time. */
const AT_ONCE = 200

const USERS = ['answer', 'twice', 'serial', 'garbage', 'echo', 'stranger', 'second', 'nak']

test('answers many queries to several servers once and correctly', async (t) => {
  const folder = temporaryFolder(t)
  const servers = [
    await startMavisd(t),
    await startMavisd(t, { at: `${folder}/mavis`, key: 'secret' }),
    await startMavisd(t, { key: 'another' }),
  ]
  const settings = servers.flatMap((mavisd) => (mavisd === undefined ? [] : [mavisd.server]))
  if (settings.length < 3) return
  const asker = new RemoteAsker(t, [await closedServer(), ...settings], {
    timeoutMs: 300,
    tries: 50,
    rebalance: 500,
  })
  let asked = 0
  const run = async () => {
    while (asked < MANY / 5) {
      const user = USERS[asked++ % USERS.length] as string
      const { result } = await asker.ask(user)
      assert.equal(result, user === 'nak' ? 'NAK' : 'ACK', user)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, run))
  assert.equal(asker.remote.openCount, 0)
})

test('uses the same memory after many queries', async (t) => {
  const folder = temporaryFolder(t)
  const servers = [
    await startMavisd(t, { isQuiet: true }),
    await startMavisd(t, { at: `${folder}/mavis`, isQuiet: true }),
  ]
  const settings = servers.flatMap((mavisd) => (mavisd === undefined ? [] : [mavisd.server]))
  if (settings.length < 2) return
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const asker = new RemoteAsker(t, settings)
  const heapAfter = async (count: number): Promise<number> => {
    let left = count
    const run = async () => {
      while (left-- > 0) {
        const query = asker.query(left % 10 === 0 ? 'never' : 'answer')
        const answer = asker.answerTo(query)
        if (left % 10 === 0) asker.remote.withdraw(query)
        else await answer
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, run))
    collect()
    return process.memoryUsage().heapUsed
  }
  await heapAfter(MANY / 10)
  const before = await heapAfter(MANY / 10)
  const grown = (await heapAfter(MANY)) - before
  assert.ok(grown < GROWTH_BYTES_MAX, `${grown} bytes more after ${MANY} queries`)
})

for (const name of ['UDP', 'a Unix socket']) {
  test(`${name}: asks another server when handling a datagram throws`, async (t) => {
    const folder = temporaryFolder(t)
    const at = (file: string) => (name === 'UDP' ? {} : { at: `${folder}/${file}` })
    const bad = await startMavisd(t, { ...at('bad'), always: 'noise' })
    const good = await startMavisd(t, { ...at('good'), always: 'answer' })
    if (bad === undefined || good === undefined) return
    const asker = new RemoteAsker(t, [bad.server, good.server], {
      onSaid(text) {
        if (text.endsWith('sent a malformed datagram')) throw new Error('injected')
      },
    })
    assert.equal((await asker.ask('answer')).result, 'ACK')
    await Promise.all([bad.hasBeenAsked(1), good.hasBeenAsked(1)])
    assert.match(
      asker.said.join('\n'),
      /^internal error while handling a datagram of a mavis server .*: Error: injected$/m,
    )
    assert.match(asker.said.join('\n'), /server .* failed: internal error while handling its answer;/m)
    assert.equal((await asker.ask('answer')).result, 'ACK')
    await good.hasBeenAsked(2)
    assert.equal(bad.asked(), 1)
  })
}
