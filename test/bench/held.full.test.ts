import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { OwnProcess } from '../../bench/system/own-process.js'
import { freePort } from '../../bench/system/port.js'
import { readHeldOutput } from '../../bench/workloads/held-output.js'
import { idle } from '../../bench/workloads/idle.js'

/** Answers every request; `sockets` are the open ones. */
async function answering(t: TestContext, port: number): Promise<Set<Socket>> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return sockets
}

function holder(t: TestContext, port: number): OwnProcess {
  const dir = mkdtempSync(join(tmpdir(), 'bench-test-'))
  const started = new OwnProcess(idle.warmUp(port, 0), dir)
  t.after(async () => {
    await started.end()
    rmSync(dir, { recursive: true, force: true })
  })
  return started
}

async function opened(held: OwnProcess): Promise<void> {
  while (!held.output.includes('\n')) {
    assert.equal(held.hasExited, false, held.complaint)
    await held.endsWithin(5)
  }
}

test('idle connections are counted once all are open, and stay open', async (t) => {
  const port = await freePort()
  const sockets = await answering(t, port)
  const held = holder(t, port)
  await opened(held)
  assert.equal(idle.readWork(held.output).units, 1_000)
  assert.equal(sockets.size, 1_000)
  assert.equal(held.hasExited, false)
})

test('one idle connection that closes ends the measurement', async (t) => {
  const port = await freePort()
  const sockets = await answering(t, port)
  const held = holder(t, port)
  await opened(held)
  for (const socket of [...sockets].slice(0, 1)) socket.destroy()
  assert.ok(await held.endsWithin(10_000))
  assert.match(held.complaint, /was to stay open was closed/)
})

test('clients that opened nothing or died are an error', () => {
  assert.throws(() => readHeldOutput('{"connections":0,"seconds":1}'), /no connection/)
  assert.throws(() => readHeldOutput('Error: ECONNREFUSED'), /the clients ended: Error: ECONNREFUSED/)
})
