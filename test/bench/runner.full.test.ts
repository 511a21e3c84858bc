import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readOptions } from '../../bench/options.js'
import { netRelay } from '../../bench/relays/net.js'
import { fillIn, subjectRelay } from '../../bench/relays/subject.js'
import type { Launch } from '../../bench/system/launch.js'
import { OwnProcess } from '../../bench/system/own-process.js'
import { freePort, listsListener, untilListening } from '../../bench/system/port.js'
import { processTree } from '../../bench/system/process-tree.js'

function started(t: TestContext, launch: Launch): OwnProcess {
  const dir = mkdtempSync(join(tmpdir(), 'bench-test-'))
  const own = new OwnProcess(launch, dir)
  t.after(async () => {
    await own.end()
    rmSync(dir, { recursive: true, force: true })
  })
  return own
}

test('a listener is distinguished from connections and from other ports', () => {
  const table =
    '  sl  local_address rem_address   st\n' +
    '   0: 0100007F:4E21 00000000:0000 0A 0\n' +
    '   1: 0100007F:4E22 0100007F:0016 01 0\n'
  assert.equal(listsListener(table, 0x4e21), true)
  assert.equal(listsListener(table, 0x4e22), false)
  assert.equal(listsListener(table, 0x0016), false)
})

test('a program that ends instead of listening is reported with its output', async (t) => {
  const own = started(t, { command: 'sh', args: ['-c', 'echo no such option >&2; exit 1'] })
  await assert.rejects(untilListening(own, await freePort()), /no such option/)
})

test('a command that does not exist is an error, not a crash', async (t) => {
  const own = started(t, { command: '/nonexistent/relay', args: [] })
  await assert.rejects(untilListening(own, await freePort()), /ENOENT/)
})

test('a program that ignores SIGTERM is killed with its children', async (t) => {
  const own = started(t, {
    command: 'sh',
    args: ['-c', 'trap "" TERM; sleep 60 & echo up; while :; do wait; done'],
  })
  while (!own.output.includes('up')) await own.endsWithin(5)
  const tree = processTree(own.pid)
  assert.equal(tree.length, 2)
  await own.end()
  assert.deepEqual(
    tree.filter((pid) => existsSync(`/proc/${pid}/exe`)),
    [],
  )
})

test('the plain net relay passes bytes both ways and keeps half-close', async (t) => {
  const remote = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket))
  const remotePort = await freePort()
  await new Promise<void>((resolve) => remote.listen(remotePort, '127.0.0.1', resolve))
  t.after(() => remote.close())
  const listenPort = await freePort()
  const site = { listenPort, remoteHost: '127.0.0.1', remotePort, dir: '', certificate: undefined }
  await untilListening(started(t, netRelay.launch(site)), listenPort)
  const client = connect({ port: listenPort, host: '127.0.0.1', allowHalfOpen: true })
  client.end('hello')
  let reply = ''
  for await (const chunk of client.setEncoding('utf8')) reply += chunk
  assert.equal(reply, 'hello')
})

test('ports are filled into the words of a subject, also within a word', () => {
  const site = { listenPort: 1, remoteHost: '127.0.0.1', remotePort: 2, dir: '', certificate: undefined }
  assert.equal(fillIn('REMOTEHOST:REMOTEPORT', site), '127.0.0.1:2')
  const launch = subjectRelay('node x.js  LISTENPORT REMOTEPORT').launch(site)
  assert.deepEqual([launch.command, ...launch.args], ['node', 'x.js', '1', '2'])
})

test('options outside their limits are rejected', () => {
  assert.equal(readOptions(['--quick', '--rounds', '9']).rounds, 9)
  assert.throws(() => readOptions(['--rounds', '0']), /--rounds takes a whole number from 1/)
  assert.throws(() => readOptions(['--seconds', '1.5']), /--seconds/)
  assert.throws(() => readOptions(['--fast']), /--fast/)
})
