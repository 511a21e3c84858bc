/** Clients of the administration that send slowly, and many at once: they are disconnected, and others are answered. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { adminPath, askAdmin } from '../harness/admin.js'
import { afterwards } from '../harness/clean-up.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'

/** What comes for half a request, until the end of the connection. */
async function slow(t: TestContext, path: string, half: string): Promise<string> {
  const socket = connect(path)
  afterwards(t, () => void socket.destroy())
  socket.on('error', () => {})
  let text = ''
  socket.on('data', (part) => {
    text += part
  })
  socket.write(half)
  await once(socket, 'close')
  return text
}

test('requests that are not complete in time end, and others are answered meanwhile', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const path = adminPath(t)
  await relayTo(remote).withMaster(`admin = { path = ${path} }`).start(t)
  const head = 'POST /api/v1/status HTTP/1.1\r\nHost: localhost\r\n'
  const halves = [head, `${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`]
  const ends = Promise.all(halves.map((half) => slow(t, path, half)))
  assert.equal((await askAdmin({ socketPath: path }, 'status')).sessions, 0)
  for (const end of await ends) assert.match(end, /^HTTP\/1\.1 (408|405) /)
})
