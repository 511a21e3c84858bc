import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { spawning, startMaster } from '../harness/master.js'
import { needs } from '../harness/needs.js'
import { rawPeers } from '../harness/peers.js'
import { isAlive, listeningPortsOf } from '../harness/proc.js'
import { relayTo } from '../harness/relay.js'
import { echoes, greets, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'

test('children relay what the master accepts', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const master = await startMaster(t, relayTo(remote).withMaster(spawning([2, 2])), { children: 2 })
  const clients = await Promise.all(Array.from({ length: 20 }, () => master.connect()))
  const answers = await Promise.all(clients.map((client, i) => client.exchange(`hello ${i}`)))
  assert.deepEqual(
    answers,
    clients.map((_, i) => `hello ${i}`),
  )
  await master.holds(10, 10)
  for (const client of clients.slice(0, 10)) {
    await client.endWriting()
    assert.equal(await client.readToEnd(), '')
  }
  for (const client of clients) await client.close()
  await master.holds(0, 0)
  assert.ok(master.children().every((pid) => listeningPortsOf(pid).length === 0))
})

test('large transfers through children arrive whole, both ways', async (t) => {
  const peers = rawPeers(t)
  if (!peers) return
  const bytes = 16 * 1024 * 1024
  const server = await peers.listen()
  const master = await startMaster(t, relayTo(server).withMaster(spawning([2, 2])), { children: 2 })
  const pairs = []
  for (let i = 0; i < 2; i++) {
    pairs.push({ client: await peers.connect(master.port()), remote: await server.accept() })
  }
  await master.holds(1, 1)
  const transfers = pairs.flatMap(({ client, remote }) => [
    { from: client, to: remote },
    { from: remote, to: client },
  ])
  await Promise.all(
    transfers.map(async ({ from, to }) => {
      const sending = from.sendMuch(bytes).then(async (sent) => {
        await from.endWriting()
        return sent
      })
      const [sent, got] = await Promise.all([sending, to.readToEnd()])
      assert.deepEqual(got, { bytes, sha256: sent.sha256, ending: 'end' })
    }),
  )
})

test('users 2/4 and instances 1/3 are filled as documented, then clients wait', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const master = await startMaster(t, relayTo(remote).withMaster(spawning([1, 3], [2, 4])))
  const clients = []
  for (const pattern of ['1', '2', '2,1', '2,2', '2,2,1', '2,2,2', '3,2,2', '3,3,2', '3,3,3']) {
    const client = await master.connect()
    assert.equal(await client.exchange('x'), 'x')
    clients.push(client)
    await master.holds(...pattern.split(',').map(Number))
  }
  for (let i = 0; i < 3; i++) clients.push(await master.connect())
  await master.holds(4, 4, 4)
  const waiting = await master.connect()
  await waiting.send('waits')
  await master.logged(/limit of 12 concurrent users reached, queueing new connections/)
  assert.deepEqual(master.sessions(), [4, 4, 4])
  await clients[5]?.close()
  assert.equal(await waiting.read(5), 'waits')
  await master.holds(4, 4, 4)
  // A place that a waiting client takes at once is not logged; one that stays free is.
  assert.doesNotMatch(master.program.stderr.text, /resuming/)
  await waiting.close()
  await master.logged(/resuming normal operation/)
})

test('a child that dies is replaced at once; only its sessions end', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const master = await startMaster(t, relayTo(remote).withMaster(spawning([2, 2])), { children: 2 })
  const clients = await Promise.all([1, 2, 3, 4].map(() => master.connect()))
  for (const client of clients) await client.exchange('before')
  await master.holds(2, 2)
  const [victim = 0, survivor = 0] = master.children()
  process.kill(victim, 'SIGKILL')
  const endings = await Promise.all(clients.map((client) => client.exchange('after!').catch(() => 'over')))
  assert.deepEqual([...endings].sort(), ['after!', 'after!', 'over', 'over'])
  await master.logged(/terminated abnormally \(signal SIGKILL\)/)
  const now = await master.hasChildren(2)
  assert.ok(now.includes(survivor) && !now.includes(victim))
  for (const client of clients) await client.close()
  await master.holds(0, 0)
})

test('connections are accepted while children die, and none is refused', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const master = await startMaster(t, relayTo(remote).withMaster(spawning([2, 4])), { children: 2 })
  for (let round = 0; round < 2; round++) {
    const pids = await master.hasChildren(2)
    const early = await Promise.all(Array.from({ length: 10 }, () => master.connect()))
    for (const client of early) await client.exchange('x')
    process.kill(pids[round % 2] as number, 'SIGKILL')
    // Clients that were handed to it in its last moment are lost with it; later ones are not.
    await master.logged(/signal SIGKILL/, round + 1)
    const later = await Promise.all(Array.from({ length: 30 }, () => master.connect()))
    const answers = await Promise.all(later.map((client) => client.exchange('hello')))
    assert.ok(answers.every((answer) => answer === 'hello'))
    await Promise.all([...early, ...later].map((client) => client.close()))
  }
  await master.holds(0, 0)
})

test('the use of remotes by a killed child is released', async (t) => {
  const busy = await remoteThat(greets('busy')).start(t)
  const free = await remoteThat(greets('free')).start(t)
  const master = await startMaster(t, relayTo(busy, free).withMaster(spawning([1, 1])))
  const clients = await Promise.all([1, 2, 3, 4, 5, 6].map(() => master.connect()))
  for (const client of clients) if ((await client.read(4)) === 'free') await client.close()
  await master.holds(3)
  process.kill(master.children()[0] as number, 'SIGKILL')
  await master.logged(/SIGKILL/)
  await busy.holds(0)
  await master.hasChildren(1)
  // If the dead child's sessions still counted, both would go to the other remote.
  for (let i = 0; i < 2; i++) await (await master.connect()).read(4)
  await Promise.all([busy.holds(1), free.holds(1)])
})

test('the service recovers when all children die', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const master = await startMaster(t, relayTo(remote).withMaster(spawning([2, 2])), { children: 2 })
  for (const pid of master.children()) process.kill(pid, 'SIGKILL')
  await master.logged(/signal SIGKILL/, 2)
  const client = await master.connect()
  assert.equal(await client.exchange('hello'), 'hello')
  await master.hasChildren(2)
})

test('a child ends at its retire limit, and its successor takes over', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote)
    .with('retire limit = 3')
    .withMaster(spawning([1, 1]))
  const master = await startMaster(t, plan)
  const [first] = master.children()
  for (let i = 0; i < 10; i++) {
    const client = await master.connect()
    assert.equal(await client.exchange(`client ${i}`), `client ${i}`)
    await client.close()
  }
  await master.logged(/Retire limit reached\. Told parent about this\./, 3)
  await until('the first child to end', () => !isAlive(first as number))
  await master.hasChildren(1)
  assert.doesNotMatch(master.program.stderr.text, /die at start|abnormally/)
})

test('the retire limit is exact in a crowd', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote)
    .with('retire limit = 10', 'access log = stderr')
    .withMaster(spawning([2, 2], [100, 100]))
  const master = await startMaster(t, plan, { children: 2 })
  const clients = await Promise.all(Array.from({ length: 45 }, () => master.connect()))
  await Promise.all(clients.map((client) => client.exchange('served')))
  await Promise.all(clients.map((client) => client.close()))
  await master.logged(/ end=done$/m, 45)
  const numbers = master.program.stderr
    .matching(/ id=\d+-\w+-\d+ /)
    .map((line) => Number(/-(\d+) /.exec(line)?.[1]))
  assert.equal(Math.max(...numbers), 10)
  // Two children together cannot have had more than 20 of the 45 clients.
  assert.ok(numbers.filter((number) => number === 10).length >= 2)
  await master.hasChildren(2)
})

test('curl gets the page of an HTTP server through a child', async (t) => {
  if (!needs(t, 'curl')) return
  const remote = await remoteThat((socket) => {
    socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello'))
  }).start(t)
  const master = await startMaster(t, relayTo(remote).withMaster(spawning([1, 2])))
  const curl = spawn('curl', ['-s', '--noproxy', '*', `http://127.0.0.1:${master.port()}/`])
  const chunks: Buffer[] = []
  curl.stdout.on('data', (chunk: Buffer) => void chunks.push(chunk))
  const [code] = await once(curl, 'close')
  assert.deepEqual([code, Buffer.concat(chunks).toString()], [0, 'hello'])
})
