import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TraceChannel } from '../observe/trace.js'
import { type AddressRecord, HostResolver } from './host-resolver.js'

const record = (address: string, ttl = 60): AddressRecord => ({ address, ttl })

/** Answers by `NAME FAMILY`; names without an answer do not exist. */
class FakeServers {
  readonly asked: string[] = []
  nowMs = 0
  readonly answers = new Map<string, readonly AddressRecord[] | Promise<readonly AddressRecord[]> | string>()
  readonly resolver = new HostResolver(
    () => this.nowMs,
    new TraceChannel('DNS', 0, () => {}),
    async (name, family) => {
      this.asked.push(`${name} ${family}`)
      const answer = await (this.answers.get(`${name} ${family}`) ?? 'ENOTFOUND')
      if (typeof answer === 'string') throw Object.assign(new Error(answer), { code: answer })
      return answer
    },
  )

  async addressesOf(name: string): Promise<readonly string[]> {
    return (await this.resolver.lookUp(name)).addresses.map(({ host }) => host)
  }
}

test('an answer has the addresses of both families, for the shortest TTL', async () => {
  const servers = new FakeServers()
  servers.answers.set('a.test 4', [record('192.0.2.1', 30), record('192.0.2.2', 20)])
  servers.answers.set('a.test 6', [record('2001:db8::1', 100)])
  const { addresses, expiresAtMs, problem } = await servers.resolver.lookUp('a.test')
  assert.deepEqual(
    addresses.map(({ host }) => host),
    ['2001:db8::1', '192.0.2.1', '192.0.2.2'],
  )
  assert.deepEqual([expiresAtMs, problem], [20_000, ''])
})

test('an answer is kept until its TTL ends, then the name is looked up again', async () => {
  const servers = new FakeServers()
  servers.answers.set('a.test 4', [record('192.0.2.1', 30)])
  assert.deepEqual(await servers.addressesOf('a.test'), ['192.0.2.1'])
  servers.answers.set('a.test 4', [record('192.0.2.9', 30)])
  servers.nowMs = 29_999
  assert.deepEqual(await servers.addressesOf('a.test'), ['192.0.2.1'])
  servers.nowMs = 30_000
  assert.deepEqual(await servers.addressesOf('a.test'), ['192.0.2.9'])
  assert.equal(servers.asked.length, 4)
})

test('a TTL of zero lasts a second, a long one an hour', async () => {
  const servers = new FakeServers()
  servers.answers.set('a.test 4', [record('192.0.2.1', 0)])
  servers.answers.set('b.test 4', [record('192.0.2.1', 86_400)])
  assert.equal((await servers.resolver.lookUp('a.test')).expiresAtMs, 1_000)
  assert.equal((await servers.resolver.lookUp('b.test')).expiresAtMs, 3_600_000)
})

test('failures are kept for five seconds', async () => {
  const servers = new FakeServers()
  const failed = await servers.resolver.lookUp('a.test')
  assert.deepEqual(failed, { addresses: [], problem: 'ENOTFOUND', expiresAtMs: 5_000 })
  servers.nowMs = 4_999
  assert.equal(await servers.resolver.lookUp('a.test'), failed)
  servers.nowMs = 5_000
  servers.answers.set('a.test 6', [record('2001:db8::1')])
  assert.deepEqual(await servers.addressesOf('a.test'), ['2001:db8::1'])
})

test('the error of one family is reported if the other one has no data', async () => {
  const servers = new FakeServers()
  servers.answers.set('a.test 4', 'ENODATA')
  servers.answers.set('a.test 6', 'ESERVFAIL')
  servers.answers.set('b.test 4', [])
  servers.answers.set('b.test 6', 'ENODATA')
  assert.equal((await servers.resolver.lookUp('a.test')).problem, 'ESERVFAIL')
  assert.equal((await servers.resolver.lookUp('b.test')).problem, 'ENODATA')
})

test('addresses of one family do not wait for a name server that ignores the other one', async () => {
  const servers = new FakeServers()
  servers.answers.set('a.test 4', [record('192.0.2.1')])
  servers.answers.set('a.test 6', new Promise(() => {}))
  // The resolver's timers do not keep the process alive.
  const alive = setInterval(() => {}, 1_000)
  assert.deepEqual(await servers.addressesOf('a.test'), ['192.0.2.1'])
  clearInterval(alive)
})

test('lookups of one name are one, others are limited', async () => {
  const servers = new FakeServers()
  const pending: (() => void)[] = []
  const later = () => new Promise<readonly AddressRecord[]>((resolve) => pending.push(() => resolve([])))
  for (let i = 0; i < 1_000; i++) servers.answers.set(`${i}.test 4`, later())
  const open = Array.from({ length: 1_000 }, (_, i) => servers.resolver.lookUp(`${i}.test`))
  assert.equal(servers.resolver.lookUp('0.test'), open[0])
  const { problem } = await servers.resolver.lookUp('one-more.test')
  assert.equal(problem, 'too many lookups at a time')
  for (const settle of pending) settle()
  await Promise.all(open)
  assert.equal((await servers.resolver.lookUp('one-more.test')).problem, 'ENOTFOUND')
})
