import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { afterwards } from '../harness/clean-up.js'
import { fittingCount } from '../harness/fitting-count.js'
import { freeze } from '../harness/held.js'
import { type Master, spawning, startMaster } from '../harness/master.js'
import { descriptorKinds, isAlive } from '../harness/proc.js'
import { fileOfProject, Program } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { until } from '../harness/until.js'

/** Connections in progress at a time, so that none waits for its handshake. */
const BATCH = 250

/**
 * The child dials for all of them at once: a SYN that the server's full queue drops is sent again after 1, 3, 7, 15, 31 and
 * 63 s.
 */
const SLOW_MS = 150_000

/** Minimum space of one message to a child in the socket's buffer. */
const MESSAGE_IN_KERNEL_BYTES = 512

/** Clients that were seen in the socket of a stopped child: 278 at most. */
const IN_KERNEL_MAX = 350

/** Clients of a stopped child: how many wait in the master, and how they are served. */
export function stoppedChildTests(wanted: number): void {
  const count = fittingCount(wanted)
  test(`${count} clients queued for a stopped child are all served when it is continued`, async (t) => {
    const { clients, master, pid } = await startWithQueue(t, count)
    process.kill(pid, 'SIGCONT')
    await until('every client to be served', () => clients.open === 0, SLOW_MS)
    assert.deepEqual([clients.served, clients.failures], [count, []])
    await master.hasChildren(1)
  })

  test(`${count} clients queued for a stopped child that is killed: those not handed over are served`, async (t) => {
    const { clients, master, pid } = await startWithQueue(t, count)
    process.kill(pid, 'SIGKILL')
    await until('every client to be served or lost', () => clients.open === 0, SLOW_MS)
    assert.equal(clients.served + clients.failures.length, count)
    const bufferBytes = Number(readFileSync('/proc/sys/net/core/wmem_default', 'utf8'))
    const lostMax = Math.ceil(bufferBytes / MESSAGE_IN_KERNEL_BYTES)
    assert.ok(clients.failures.length <= lostMax, `${clients.failures.length} were lost, ${lostMax} may be`)
    t.diagnostic(`${clients.served} served, ${clients.failures.length} lost on their way to the killed child`)
    await master.hasChildren(1, SLOW_MS)
  })
}

/** Clients that read one word. */
class Crowd {
  open = 0
  connected = 0
  served = 0
  readonly failures: string[] = []

  async come(t: TestContext, port: number, count: number): Promise<void> {
    for (let left = count; left > 0; left -= BATCH) {
      for (let i = 0; i < Math.min(left, BATCH); i++) this.#enter(t, port)
      await until('connections', () => this.connected === this.open + this.served, SLOW_MS)
    }
  }

  #enter(t: TestContext, port: number): void {
    this.open++
    let heard = ''
    let failure: string | undefined
    const socket = connect({ host: '127.0.0.1', port })
    socket.setEncoding('latin1')
    socket.on('connect', () => this.connected++)
    socket.on('data', (text) => (heard += text))
    socket.on('error', (error) => (failure = error.message))
    socket.on('close', () => {
      this.open--
      if (heard === 'here' && failure === undefined) this.served++
      else this.failures.push(failure ?? `it heard '${heard}'`)
    })
    afterwards(t, () => void socket.destroy())
  }
}

async function startWithQueue(
  t: TestContext,
  count: number,
): Promise<{ readonly clients: Crowd; readonly master: Master; readonly pid: number }> {
  // In a process of its own, because this one has the descriptors of the clients.
  const server = new Program(t, [
    process.execPath,
    fileOfProject('dist/test/harness/server-process.js'),
    'here',
  ])
  const [, port] = await server.stdout.reached(/port (\d+)/)
  const plan = relayTo({ directive: `address = 127.0.0.1 port = ${port}` })
  const master = await startMaster(t, plan.withMaster(spawning([1, 1], [count, count])))
  const [pid = 0] = master.children()
  assert.ok(await freeze(pid), 'it has ended')
  // A stopped child outlives its master, and blocks readers that wait for the end of its output.
  afterwards(t, () => {
    if (isAlive(pid)) process.kill(pid, 'SIGCONT')
  })
  const clients = new Crowd()
  await clients.come(t, master.port(), count)
  // Whatever the child cannot take is queued in the master, which keeps answering signals.
  master.signal('SIGUSR1')
  await until('clients in the master', () => {
    return (descriptorKinds(master.pid).get('socket') ?? 0) > count - IN_KERNEL_MAX
  })
  return { clients, master, pid }
}
