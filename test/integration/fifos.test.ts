import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { tcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { connectTls, localhost, servedWith } from '../harness/tls.js'

/** FIFOs without a reader in place of files: opening one for writing would block for ever. */

const EXIT_CANNOT_CREATE = 73

function fifoOf(t: TestContext): string {
  const path = join(temporaryFolder(t), 'fifo')
  assert.equal(spawnSync('mkfifo', [path]).status, 0)
  return path
}

test('a FIFO as pidfile makes the start fail', async (t) => {
  const fifo = fifoOf(t)
  const file = relayTo(await remoteThat(echoes).start(t)).file(t)
  const { code, stderr } = await tcprelay(t, ['-D', '-p', fifo, file])
  assert.equal(code, EXIT_CANNOT_CREATE)
  assert.match(stderr, /cannot write the pidfile: .*fifo is not a regular file$/m)
})

test('a FIFO as trace file leaves the traces in the log', async (t) => {
  const fifo = fifoOf(t)
  const plan = relayTo(await remoteThat(echoes).start(t)).withMaster(`debug redirect = ${fifo}`)
  const relay = await plan.startedWith('-d', '8192').start(t)
  await relay.logged(/err: cannot open the file of traces: .*fifo is a FIFO without a reader/)
  await relay.logged(/debug: PROC: /)
})

test('a FIFO as access log is an error, clients are served, and reopening it blocks nothing', async (t) => {
  const fifo = fifoOf(t)
  const { port } = await remoteThat(echoes).start(t)
  const plan = relayTo({ directive: `address = localhost port = ${port}` }).with(`access log = ${fifo}`)
  const relay = await plan.start(t)
  for (let i = 1; i <= 5; i++) {
    relay.signal('SIGUSR1')
    await relay.logged(/cannot write log file .*fifo: .*fifo is a FIFO without a reader/, i + 1)
  }
  // Names are looked up by the same threads of libuv that open files.
  relay.signal('SIGHUP')
  await relay.logged(/the new configuration is in force/)
  const client = await relay.connect()
  assert.equal(await client.exchange('hello'), 'hello')
  await client.close()
})

test('a FIFO as key log is an error, and clients are served', async (t) => {
  const fifo = fifoOf(t)
  const plan = relayTo(await remoteThat(echoes).start(t))
    .listeningOn('address = 127.0.0.1 port = 0 tls = yes')
    .with(servedWith(localhost(t)), `tls keylog file = ${fifo}`)
  const relay = await plan.start(t)
  const client = await connectTls(t, relay.port())
  assert.equal(await client.exchange('hello'), 'hello')
  await relay.logged(/cannot write the TLS key log: .*fifo is not a regular file/)
  await client.close()
})
