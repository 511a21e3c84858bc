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

/** A web server that answers in this way; and what becomes of its connections. */
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

test('a page is read, packed or not', async (t) => {
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

test('a page without end is cut, and the connection with it', async (t) => {
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

test('a page that unpacks to more than a configuration may have is refused', async (t) => {
  const bomb = gzipSync(Buffer.alloc(64 * MIB))
  const { url } = await served(t, (response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
  )
  assert.deepEqual(await readPage(url), TOO_LARGE)
})

test('a page that does not end in time is refused', async (t) => {
  const { url } = await served(t, (response) => response.write('id = '))
  assert.deepEqual(await readPage(url, 200), { ok: false, code: 'it has not ended within 0.2 s' })
})

test('a pipe is read to its end, once', async () => {
  const fifo = fifoNamed('once')
  assert.ok(isPipe(fifo))
  const answer = await readFrom(fifo, 'printf hello; printf " world"')
  assert.equal(answer.ok && Buffer.from(answer.bytes).toString(), 'hello world')
  const again = await readPipe(fifo)
  assert.match(again.ok ? '' : again.code, /nobody writes to this pipe/)
})

test('a pipe that does not end is refused: in time, and by size', async () => {
  const slow = await readFrom(fifoNamed('slow'), 'echo x; exec sleep 60', 200)
  assert.deepEqual(slow, { ok: false, code: 'it has not ended within 0.2 s' })
  assert.deepEqual(await readFrom(fifoNamed('endless'), 'exec cat /dev/zero'), TOO_LARGE)
})

test('a file is no pipe, nor is what does not exist', () => {
  assert.equal(isPipe('/etc/passwd'), false)
  assert.equal(isPipe('/nowhere'), false)
  assert.equal(isPipe('/dev/null'), false)
})

function fifoNamed(name: string): string {
  const path = join(folder, name)
  assert.equal(spawnSync('mkfifo', [path]).status, 0)
  return path
}

/** What is read of a pipe that a script writes to; the script is ended then. */
async function readFrom(fifo: string, script: string, timeoutMs?: number) {
  // Open both ways, it has a writer before the reader comes, and keeps what is written before that.
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
