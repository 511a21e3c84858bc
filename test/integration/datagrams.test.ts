import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { DatagramClient } from '../harness/datagram-client.js'
import { type Master, spawning, startMaster } from '../harness/master.js'
import { needs } from '../harness/needs.js'
import { childrenOf } from '../harness/proc.js'
import { fileOfProject, tcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { until } from '../harness/until.js'
import { variants } from '../harness/variants.js'

const EXEC = `exec = ${fileOfProject('test/harness/datagram_child.py')}`
const UDP4 = 'address = 127.0.0.1 port = 0 protocol = UDP'

const AF_INET = 2
const AF_INET6 = 10
const SOCK_DGRAM = 2
const IPPROTO_UDP = 17

/** What the child reports about a datagram. */
interface About {
  readonly pid: number
  readonly via: 'wire' | 'socket'
  readonly bytes: number
  readonly sha256: string
  readonly start: string
  readonly header: string
  readonly tls: number
  readonly aaa: number
  readonly flags: number
  readonly realm: string
  readonly family: number
  readonly type: number
  readonly protocol: number
  readonly tos: number
  readonly isBlocking: boolean
  readonly local: readonly [address: string, port: number]
  readonly peer: readonly [address: string, port: number]
}

interface Setting {
  /** Arguments of the children. */
  readonly words?: string
  readonly spawn?: string
  readonly lines?: readonly string[]
}

/** A master of ours with children that take datagrams. Undefined: the test is skipped. */
async function startWith(
  t: TestContext,
  listeners: readonly string[],
  { words = '', spawn = spawning([1, 1], [5, 100], EXEC), lines = [] }: Setting = {},
): Promise<Master | undefined> {
  if (!needs(t, 'python3')) return undefined
  const plan = relayTo({ directive: 'address = 127.0.0.1 port = 9' })
    .withMaster(spawn, ...lines)
    .listeningOn(...listeners)
  return startMaster(t, plan, { children: 0, env: { DATAGRAM_CHILD: words } })
}

async function read(client: DatagramClient): Promise<About> {
  return JSON.parse((await client.answer()).text)
}

/** Sends one datagram from a client of its own and returns what the child reports about it. */
async function ask(t: TestContext, port: number, bytes: string | Uint8Array = 'hello'): Promise<About> {
  const client = await DatagramClient.open(t)
  await client.send(bytes, port)
  const about = await read(client)
  assert.deepEqual([about.peer[0].replace('::ffff:', ''), about.peer[1]], ['127.0.0.1', client.port])
  await client.close()
  return about
}

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

/** Bytes queued in the receive buffer of a UDP port, and datagrams that the kernel dropped there. */
function queueOf(port: number): { readonly bytes: number; readonly drops: number } {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = ['/proc/net/udp', '/proc/net/udp6'].flatMap((file) =>
    readFileSync(file, 'utf8').split('\n').slice(1),
  )
  const fields = rows.map((row) => row.trim().split(/\s+/)).filter((row) => row[1]?.endsWith(wanted))
  const listener = fields.find((row) => row[2]?.endsWith(':0000'))
  assert.ok(listener, `there is no listener on ${port}`)
  return { bytes: Number.parseInt(listener[4]?.split(':')[1] as string, 16), drops: Number(listener.at(-1)) }
}

const hasRead = (port: number): Promise<unknown> =>
  until(`the master to read from ${port}`, () => queueOf(port).bytes === 0)

test('a child gets a datagram as the documented message, with a connected socket', async (t) => {
  const master = await startWith(t, [`${UDP4} realm = myrealm flag = accounting dscp = 46`])
  if (!master) return
  const { header, isBlocking, local, sha256: hash, tos, type, protocol, via } = await ask(t, master.port())
  assert.equal(
    header,
    // type 7, no DTLS, no protocol, flag 2, realm, five bytes, padding
    `07000000${'00000000'.repeat(2)}02000000${'6d797265616c6d'.padEnd(32, '0')}0500${'00'.repeat(6)}`,
  )
  assert.deepEqual(
    { hash, isBlocking, local, protocol, tos, type, via },
    {
      hash: sha256('hello'),
      isBlocking: true,
      local: ['127.0.0.1', master.port()],
      protocol: IPPROTO_UDP,
      tos: 46 << 2,
      type: SOCK_DGRAM,
      via: 'wire',
    },
  )
})

const DTLS_CASES: readonly (readonly [directives: string, heard: Partial<About>])[] = [
  ['tls = yes', { tls: 0x00fd00ff }],
  ['tls = auto', { tls: 0x00fd00ff, flags: 8 }],
  ['tls = no', { tls: 0 }],
  ['tls = DTLSv1.2', { tls: 0xfd }],
  ['tls = DTLSv1.0,DTLSv1.2', { tls: 0xfffd }],
  ['tls = yes tls psk = yes aaa.protocol = radius.dtls', { tls: 0x00fd00ff, flags: 4, aaa: 385 }],
  ['type = DGRAM aaa.protocol = radius.udp realm = exactly-fifteen', { aaa: 389, realm: 'exactly-fifteen' }],
]

test('a UDP listener forwards datagrams unchanged', async (t) => {
  const master = await startWith(
    t,
    DTLS_CASES.map(([directives]) => `${UDP4} ${directives}`),
  )
  if (!master) return
  for (const [index, [directives, heard]] of DTLS_CASES.entries()) {
    const { aaa, flags, realm, tls } = await ask(t, master.port(index))
    assert.deepEqual(
      { aaa, flags, realm, tls },
      { aaa: 0, flags: 0, realm: '', tls: 0, ...heard },
      directives,
    )
  }
})

test('replies come from the address that the client sent to, over IPv4, IPv6 and both', async (t) => {
  const master = await startWith(t, [
    'address = 0.0.0.0 port = 0 protocol = UDP',
    'address = ::1 port = 0 protocol = udp',
    'port = 0 protocol = UDP',
  ])
  if (!master) return
  const cases = [
    { index: 0, to: '127.0.0.7', local: '127.0.0.7', family: AF_INET },
    { index: 1, to: '::1', local: '::1', family: AF_INET6 },
    { index: 2, to: '::1', local: '::1', family: AF_INET6 },
    // As with the original: an IPv4 client at a listener for both families has an IPv6 socket.
    { index: 2, to: '127.0.0.8', local: '::ffff:127.0.0.8', family: AF_INET6 },
  ]
  for (const { family, index, local, to } of cases) {
    const client = await DatagramClient.open(t, to.includes(':') ? '::1' : '127.0.0.1')
    await client.send('hello', master.port(index), to)
    const { from, text } = await client.answer()
    const about: About = JSON.parse(text)
    assert.deepEqual([from.address, from.port], [to, master.port(index)])
    assert.deepEqual([about.family, about.local], [family, [local, master.port(index)]])
  }
})

test('streams and datagrams of one port go to the same children', async (t) => {
  const master = await startWith(t, [UDP4, 'address = 127.0.0.1 port = 0'])
  if (!master) return
  const { pid } = await ask(t, master.port(0))
  const stream = await master.connect(master.port(1))
  assert.deepEqual(JSON.parse(await stream.readToEnd()), { via: 'connection' })
  assert.deepEqual(childrenOf(master.pid).map(Number), [pid])
  await stream.close()
})

for (const size of variants([4_096], [1, 1_472])) {
  test(`a datagram of ${size} bytes arrives whole`, async (t) => {
    const master = await startWith(t, [UDP4])
    if (!master) return
    const bytes = Buffer.alloc(size, 'abcdefg')
    const about = await ask(t, master.port(), bytes)
    assert.deepEqual([about.bytes, about.sha256], [size, sha256(bytes)])
    assert.doesNotMatch(master.program.stderr.text, /was cut/)
  })
}

for (const size of variants([4_097], [9_000, 65_507])) {
  test(`a datagram of ${size} bytes is truncated to 4,096, as by the original, and this is logged`, async (t) => {
    const master = await startWith(t, [UDP4])
    if (!master) return
    const bytes = Buffer.alloc(size, 'abcdefg')
    const about = await ask(t, master.port(), bytes)
    assert.deepEqual([about.bytes, about.sha256], [4_096, sha256(bytes.subarray(0, 4_096))])
    const port = master.port()
    await master.logged(
      new RegExp(`udp:127.0.0.1:${port}: datagram of ${size} bytes from .* truncated to 4096 bytes`),
    )
  })
}

test('an empty datagram is ignored, as by the original', async (t) => {
  const master = await startWith(t, [UDP4], { words: 'max=1,hold' })
  if (!master) return
  const client = await DatagramClient.open(t)
  // If it counted, the child would be full for the second one.
  await client.send('', master.port())
  await client.send('hello', master.port())
  assert.equal((await read(client)).start, 'hello')
  assert.equal(client.unread, 0)
})

test('further datagrams of a client go to its socket in the child, one user until DONE', async (t) => {
  const master = await startWith(t, [UDP4], { words: 'max=2,hold' })
  if (!master) return
  const [first, second, third] = await Promise.all([1, 2, 3].map(() => DatagramClient.open(t)))
  assert.ok(first && second && third)
  for (const client of [first, second]) {
    await client.send('one', master.port())
    assert.equal((await read(client)).via, 'wire')
    for (const text of ['two', 'three']) {
      await client.send(text, master.port())
      const { start, via } = await read(client)
      assert.deepEqual({ start, via }, { start: text, via: 'socket' })
    }
  }
  await third.send('waits', master.port())
  await master.logged(/limit of 2 concurrent users reached, queueing new connections/)
  assert.equal(third.unread, 0)
  await first.send('bye', master.port())
  assert.equal((await read(third)).start, 'waits')
})

for (const { hint, overload } of variants(
  [{ overload: 'close', hint: 'immediately closing' }],
  [{ overload: 'reset', hint: 'resetting' }],
)) {
  test(`overload = ${overload}: datagrams are dropped while children are full`, async (t) => {
    const master = await startWith(t, [UDP4], { words: 'max=1,hold', lines: [`overload = ${overload}`] })
    if (!master) return
    const [first, second] = [await DatagramClient.open(t), await DatagramClient.open(t)]
    await first.send('one', master.port())
    await read(first)
    await second.send('dropped', master.port())
    await master.logged(new RegExp(`${hint} new connections`))
    await hasRead(master.port())
    await first.send('bye', master.port())
    await read(first)
    await until('the child to have room', async () => {
      if (second.unread === 0) await second.send('again', master.port())
      return second.unread > 0
    })
    assert.equal((await read(second)).start, 'again')
  })
}

test('datagrams from one port of a client go to one child, those from another port to another', async (t) => {
  const master = await startWith(t, [`${UDP4} sticky cache period = 60`], {
    spawn: spawning([2, 2], [1, 100], EXEC),
    words: 'hold',
  })
  if (!master) return
  const clients = [await DatagramClient.open(t), await DatagramClient.open(t)]
  const pids: number[] = []
  // Each keeps its child busy, so that the other one is preferred.
  for (const client of clients) {
    await client.send('hello', master.port())
    pids.push((await read(client)).pid)
  }
  assert.notEqual(pids[0], pids[1])
  for (let round = 0; round < 4; round++) {
    for (const [i, client] of clients.entries()) {
      await client.send('bye', master.port())
      await read(client)
      await until('a message over the wire', async () => {
        await client.send('hello', master.port())
        return (await read(client)).via === 'wire'
      })
      await client.send('which', master.port())
      assert.equal((await read(client)).pid, pids[i], `client ${i} in round ${round}`)
    }
  }
})

test('access rules apply to the senders of datagrams', async (t) => {
  const lines = ['deny = 127.0.0.2', 'permit = 127.0.0.0/8']
  const master = await startWith(t, [UDP4, 'port = 0 protocol = UDP'], { lines })
  if (!master) return
  const stranger = await DatagramClient.open(t, '127.0.0.2')
  for (const index of [0, 1]) {
    await stranger.send('hello', master.port(index))
    await hasRead(master.port(index))
    assert.equal((await ask(t, master.port(index))).bytes, 5)
  }
  assert.equal(stranger.unread, 0)
  await master.logged(new RegExp(`connection attempt from 127.0.0.2:${stranger.port} rejected`))
})

test('in a burst of new clients each gets the reply to its own datagram', async (t) => {
  const master = await startWith(t, [UDP4], { spawn: spawning([2, 2], [5, 1_000], EXEC) })
  if (!master) return
  const clients = await Promise.all(Array.from({ length: 100 }, () => DatagramClient.open(t)))
  for (let round = 0; round < 20; round++) {
    await Promise.all(clients.map((client) => client.send(`${client.port}`, master.port())))
    for (const client of clients) {
      const { peer, start, via } = await read(client)
      assert.deepEqual([start, peer?.[1] ?? client.port], [`${client.port}`, client.port], via)
    }
  }
  assert.equal(queueOf(master.port()).drops, 0)
})

test('datagrams of a stopped child wait in the master, and none is lost', async (t) => {
  const master = await startWith(t, [UDP4], { spawn: spawning([1, 1], [5, 1_000], EXEC) })
  if (!master) return
  const { pid } = await ask(t, master.port())
  const clients = await Promise.all(Array.from({ length: 500 }, () => DatagramClient.open(t)))
  process.kill(pid, 'SIGSTOP')
  // More than the socket of the wire holds (net.unix.max_dgram_qlen), and than the listener's buffer would.
  for (const [i, client] of clients.entries()) {
    await client.send(Buffer.alloc(1_000, `${client.port} `), master.port())
    if (i % 50 === 49) await hasRead(master.port())
  }
  process.kill(pid, 'SIGCONT')
  for (const client of clients) {
    const { bytes, start } = await read(client)
    assert.deepEqual([bytes, start.split(' ')[0]], [1_000, `${client.port}`])
  }
  assert.equal(queueOf(master.port()).drops, 0)
})

test('a dead child loses only its own datagrams, and its successor gets the next', async (t) => {
  const master = await startWith(t, [UDP4], { words: 'hold' })
  if (!master) return
  const client = await DatagramClient.open(t)
  await client.send('one', master.port())
  const { pid } = await read(client)
  process.kill(pid, 'SIGKILL')
  await master.logged(/signal SIGKILL/)
  await client.send('two', master.port())
  const after = await read(client)
  assert.deepEqual([after.via, after.start], ['wire', 'two'])
  assert.notEqual(after.pid, pid)
})

test('no other program can bind the port of a listener', async (t) => {
  const master = await startWith(t, [UDP4], { words: 'hold' })
  if (!master) return
  await ask(t, master.port())
  const thief = createSocket({ type: 'udp4', reuseAddr: true })
  thief.bind(master.port(), '127.0.0.1')
  const [error] = await once(thief, 'error')
  thief.close()
  assert.equal(error.code, 'EADDRINUSE')
})

test('a reload keeps the socket of a UDP listener', async (t) => {
  const master = await startWith(t, [UDP4])
  if (!master) return
  const before = await ask(t, master.port())
  // The file names the port that the system has chosen, which is the same socket.
  writeFileSync(
    master.file,
    readFileSync(master.file, 'utf8').replace(
      'port = 0 protocol',
      `port = ${master.port()} realm = second protocol`,
    ),
  )
  master.signal('SIGHUP')
  await master.logged(/the new configuration is in force/)
  const after = await ask(t, master.port())
  assert.deepEqual([before.realm, after.realm], ['', 'second'])
  assert.notEqual(after.pid, before.pid)
})

const SAMPLE = `
id = spawnd {
  background = no
  listen { port = 2083 tls = yes }                          # radsec
  listen { port = 2083 protocol = UDP tls = yes }           # radius-dtls
  listen { port = 1812 protocol = UDP }                     # radius-udp authc
  listen { port = 1813 protocol = UDP flag = accounting }   # radius-udp acct
  listen { port = 4949 }
  spawn { instances min = 1 instances max = 32 ${EXEC} id = tac_plus-ng }
}
id = tac_plus-ng { log accesslog { destination = /tmp/access.log } }
`

test('-P accepts the RADIUS samples of the classic documentation, and -1 refuses their UDP listeners', async (t) => {
  const file = join(temporaryFolder(t), 'radius.cfg')
  writeFileSync(file, SAMPLE)
  const checked = await tcprelay(t, ['-P', file])
  assert.deepEqual([checked.code, checked.stderr], [0, ''])
  const single = await tcprelay(t, ['-1', '-P', file])
  assert.equal(single.code, 78)
  assert.equal(single.stderr.match(/'protocol = UDP' requires children of another program/g)?.length, 3)
})

test('a reload under -1 refuses UDP listeners, too', async (t) => {
  const plan = relayTo({ directive: 'address = 127.0.0.1 port = 9' }).withMaster(
    'single process = no',
    spawning([1, 1], [5, 10], EXEC),
  )
  const relay = await plan.startedWith('-1').start(t)
  writeFileSync(relay.file, plan.listeningOn(UDP4).text)
  relay.signal('SIGHUP')
  await relay.logged(
    /'protocol = UDP' requires children of another program: tcprelay relays TCP and SCTP only/,
  )
  await relay.logged(/the new configuration is wrong: the old one goes on/)
})
