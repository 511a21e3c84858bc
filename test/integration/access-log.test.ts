import assert from 'node:assert/strict'
import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { closedPort } from '../harness/closed-port.js'
import { spawning, startMaster } from '../harness/master.js'
import { MODES } from '../harness/modes.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'

const LINE =
  /^(\S+) id=(\S+) client=(\S+) listener=(\S+) remote=(\S+) to_remote=(\d+) to_client=(\d+) seconds=(\d+\.\d{3}) end=(\S+)$/

/** One whole session that echoes `text`. */
async function talk(client: Client, text: string): Promise<void> {
  await client.exchange(text)
  await client.endWriting()
  assert.equal(await client.readToEnd(), '')
  await client.close()
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').filter(Boolean)
}

test('the access log shows client, remote, byte counts, duration and end reason', async (t) => {
  const file = join(temporaryFolder(t), 'access.log')
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote).with(`access log = ${file}`).start(t)
  const client = await relay.connect()
  const clientPort = client.socket.localPort
  await talk(client, 'twelve bytes')
  const [line = ''] = await until('a line', () => linesOf(file).length === 1 && linesOf(file))
  const [, time = '', id, from, listener, to, toRemote, toClient, seconds, end] = LINE.exec(line) ?? []
  assert.ok(Math.abs(Date.parse(time) - Date.now()) < 10_000, time)
  assert.match(id ?? '', /^0-[0-9a-z]+-1$/)
  assert.equal(from, `127.0.0.1:${clientPort}`)
  assert.equal(listener, `127.0.0.1:${relay.port()}`)
  assert.equal(to, `127.0.0.1:${remote.port}`)
  assert.deepEqual([toRemote, toClient, end], ['12', '12', 'done'])
  assert.ok(Number(seconds) < 10)
})

test('every line has one time: its own in a file and on stderr, that of the log in syslog', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const plain = await relayTo(remote).with('access log = stderr').start(t)
  const logged = await relayTo(remote).with('access log = syslog').start(t)
  for (const relay of [plain, logged]) await talk(await relay.connect(), 'x')
  await plain.logged(/^\S+Z id=0-\w+-1 .* end=done$/)
  await logged.logged(/^\S+Z tcprelay\[\d+\] info: id=0-\w+-1 .* end=done$/)
})

test('session ids of a replacement child differ from those of its predecessor', async (t) => {
  const plan = relayTo(await remoteThat(echoes).start(t))
    .with('access log = stderr')
    .withMaster(spawning([1, 1]))
  const master = await startMaster(t, plan)
  const idOf = async (nth: number) => {
    await talk(await master.connect(), 'x')
    const [, id] = await master.logged(/ id=(\S+) .* end=done/, nth)
    return id
  }
  const first = await idOf(1)
  const [child = 0] = master.children()
  process.kill(child, 'SIGKILL')
  await master.leavesNoChild()
  await master.hasChildren(1)
  assert.notEqual(await idOf(2), first)
})

const REJECTED =
  / id=r\w+-\w+-(\d+) client=127\.0\.0\.1:\d+ listener=127\.0\.0\.1:\d+ to_remote=0 to_client=0 seconds=0\.000 end=rejected rule=(\S+):(\d+)$/

for (const { name, start } of MODES) {
  test(`${name}: a client rejected by a rule is in the access log, with the position of the rule`, async (t) => {
    const plan = relayTo(await remoteThat(echoes).start(t))
      .with('access log = stderr')
      .withMaster('permit 192.0.2.0/24', 'deny 127.0.0.0/8')
    const relay = await start(t, plan)
    for (const nth of [1, 2, 3]) {
      await (await Client.connect(t, { port: relay.port() })).ending()
      const [, , file = '', line] = await relay.logged(REJECTED, nth)
      assert.match(readFileSync(file, 'utf8').split('\n')[Number(line) - 1] ?? '', /deny 127/)
    }
    const place = String.raw`\(listener 127\.0\.0\.1:\d+, rule \S+:\d+\)`
    await relay.logged(new RegExp(`connection attempt from 127\\.0\\.0\\.1:\\d+ rejected ${place}`))
  })
}

test('failed attempts are listed, in served sessions and in those without a remote', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const refusing = `remote = { name = closed ${(await closedPort()).target.directive} }`
  const missing = `remote = { name = gone address = unix:${join(temporaryFolder(t), 'none')} }`
  const plan = relayTo().with('balance = first', 'access log = stderr', 'dial retries = 0', refusing, missing)
  const served = await plan.with(`remote = { name = echo ${remote.directive} }`).start(t)
  await talk(await served.connect(), 'x')
  await served.logged(/ remote=echo attempts=closed:refused,gone:missing to_remote=1 .* end=done$/)
  // The failing remotes are backed off from: the second client does not try them.
  await talk(await served.connect(), 'x')
  await served.logged(/ remote=echo to_remote=1 .* end=done$/)
  const unserved = await plan.start(t)
  await (await unserved.connect()).ending()
  await unserved.logged(/ listener=\S+ attempts=closed:refused,gone:missing to_remote=0 .* end=no-remote /)
})

test('`access log detail = full` says how a session got its remote', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const logged = relayTo().with('access log = stderr', 'access log detail = full', 'balance = first')
  const closed = `remote = { name = closed ${(await closedPort()).target.directive} }`
  const unused = 'remote = { address = 127.0.0.1 port = 9 weight = 0 }'
  const relay = await logged.with(closed, unused, `remote = { name = echo ${remote.directive} }`).start(t)
  for (let i = 0; i < 2; i++) await talk(await relay.connect(), 'x')
  await relay.logged(/ end=done why=default>default>first>1\/3,tried:1,weight-0:1$/)
  await relay.logged(/ end=done why=default>default>first>1\/3,weight-0:1,backing-off:1$/)
  const pool = `pool = web { sticky = { by = source } ${`remote = { ${remote.directive} }`.repeat(2)} }`
  const route = 'route = { source = 127.0.0.0/8 pool = web }'
  const routed = await logged.with('balance = round-robin', pool, route).start(t)
  for (let i = 0; i < 2; i++) await talk(await routed.connect(), 'x')
  const [, line = ''] = await routed.logged(/ why=relay\.cfg:(\d+)>web>round-robin>2\/2$/)
  assert.match(readFileSync(routed.file, 'utf8').split('\n')[Number(line) - 1] ?? '', /route = /)
  await routed.logged(/ why=relay\.cfg:\d+>web>sticky$/)
  const listening = logged.listeningOn('address = 127.0.0.1 port = 0 pool = web')
  const listener = await listening.with(`pool = web { remote = { ${remote.directive} } }`).start(t)
  await talk(await listener.connect(), 'x')
  await listener.logged(/ why=listener>web>first>1\/1$/)
})

test('without the directive no access lines are written', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote).start(t)
  await talk(await relay.connect(), 'x')
  await relay.isIdle()
  relay.signal('SIGHUP')
  await relay.logged(/SIGHUP/)
  assert.deepEqual(relay.program.stderr.matching(/ end=/), [])
})

test('SIGUSR1 after a rotation continues in a new file without losing a line', async (t) => {
  const folder = temporaryFolder(t)
  const [file, old] = [join(folder, 'access.log'), join(folder, 'access.log.1')]
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote).with(`access log = ${file}`).start(t)
  for (let i = 0; i < 10; i++) await talk(await relay.connect(), 'before')
  await until('ten lines', () => linesOf(file).length === 10)
  renameSync(file, old)
  relay.signal('SIGUSR1')
  await until('a new file', () => {
    try {
      return readFileSync(file) !== undefined
    } catch {
      return false
    }
  })
  for (let i = 0; i < 10; i++) await talk(await relay.connect(), 'after')
  await until('ten lines', () => linesOf(file).length === 10)
  assert.equal(linesOf(old).length, 10)
  assert.ok(linesOf(old).every((line) => line.includes('to_remote=6')))
})

test('lines of the last sessions are written before the program ends', async (t) => {
  const file = join(temporaryFolder(t), 'access.log')
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote).with(`access log = ${file}`).start(t)
  const clients = await Promise.all(Array.from({ length: 200 }, () => relay.connect()))
  await Promise.all(clients.map((client) => client.exchange('x')))
  relay.signal('SIGTERM')
  await relay.logged(/exiting/)
  relay.signal('SIGTERM')
  assert.deepEqual(await relay.ended(), { code: 0, signal: null })
  assert.equal(linesOf(file).filter((line) => line.endsWith('end=shutdown')).length, 200)
})

test('a log file that cannot be written costs lines, not sessions', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote).with('access log = /dev/full').start(t)
  for (let i = 0; i < 3; i++) await talk(await relay.connect(), 'x')
  await relay.logged(/cannot write log file/)
  await talk(await relay.connect(), 'x')
})
