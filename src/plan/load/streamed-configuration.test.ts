import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { isPipe, readPage, readPipe } from './streamed-configuration.js'

const folder = mkdtempSync(join(tmpdir(), 'tcprelay-streamed-'))
after(() => rmSync(folder, { recursive: true }))

const MIB = 2 ** 20
const TOO_LARGE = { ok: false, code: 'it is larger than 16 MiB' }

/** A web server with this handler, and a promise for the close of its connection. */
async function served(t: TestContext, answer: (response: ServerResponse) => void) {
  const closed: Promise<unknown>[] = []
  const server = createServer((_, response) => {
    closed.push(once(response, 'close'))
    answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`, closed }
}

test('reads a page, compressed or not', async (t) => {
  const plain = await served(t, (response) => response.end('text'))
  const packed = await served(t, (response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('packed')),
  )
  const texts = [await readPage(plain.url), await readPage(packed.url)]
  assert.deepEqual(
    texts.map((answer) => answer.ok && Buffer.from(answer.bytes).toString()),
    ['text', 'packed'],
  )
})

test('aborts an endless page and closes its connection', async (t) => {
  const { closed, url } = await served(t, (response) => {
    const chunk = Buffer.alloc(64 * 1024, '#')
    const more = () => {
      while (!response.destroyed && response.write(chunk)) {}
    }
    response.on('drain', more)
    more()
  })
  assert.deepEqual(await readPage(url), TOO_LARGE)
  await closed[0]
})

test('rejects a page that decompresses beyond the size limit', async (t) => {
  const bomb = gzipSync(Buffer.alloc(64 * MIB))
  const { url } = await served(t, (response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
  )
  assert.deepEqual(await readPage(url), TOO_LARGE)
})

test('rejects a page that is not complete in time', async (t) => {
  const { url } = await served(t, (response) => response.write('id = '))
  assert.deepEqual(await readPage(url, 200), { ok: false, code: 'it was not complete after 0.2 s' })
})

test('reads a pipe to its end, once', async () => {
  const fifo = fifoNamed('once')
  assert.ok(isPipe(fifo))
  const answer = await readFrom(fifo, 'printf hello; printf " world"')
  assert.equal(answer.ok && Buffer.from(answer.bytes).toString(), 'hello world')
  const again = await readPipe(fifo)
  assert.match(again.ok ? '' : again.code, /the pipe has no writer/)
})

test('rejects an endless pipe by time and by size', async () => {
  const slow = await readFrom(fifoNamed('slow'), 'echo x; exec sleep 60', 200)
  assert.deepEqual(slow, { ok: false, code: 'it was not complete after 0.2 s' })
  assert.deepEqual(await readFrom(fifoNamed('endless'), 'exec cat /dev/zero'), TOO_LARGE)
})

test('isPipe is false for regular and missing files', () => {
  assert.equal(isPipe('/etc/passwd'), false)
  assert.equal(isPipe('/nowhere'), false)
  assert.equal(isPipe('/dev/null'), false)
})

function fifoNamed(name: string): string {
  const path = join(folder, name)
  assert.equal(spawnSync('mkfifo', [path]).status, 0)
  return path
}

/** Reads a pipe that a script writes to, and ends the script afterwards. */
async function readFrom(fifo: string, script: string, timeoutMs?: number) {
  // Opened for reading and writing, the pipe has a writer at once and keeps data written before the reader opens it.
  const fd = openSync(fifo, constants.O_RDWR)
  const writer = spawn('sh', ['-c', script], { stdio: ['ignore', fd, 'ignore'] })
  const ended = once(writer, 'close')
  const reading = readPipe(fifo, timeoutMs)
  closeSync(fd)
  const answer = await reading
  writer.kill('SIGKILL')
  await ended
  return answer
}
