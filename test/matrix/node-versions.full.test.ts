import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { type Peer, rawPeers, type Transfer } from '../harness/peers.js'
import { fileOfProject } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { nodeBinary } from './node-binary.js'

/** The major versions that the program supports. */
const MAJORS = [20, 22, 24, 26]

const MiB = 1024 * 1024

/** The program on another Node: the first word is the Node that runs this test, and is left out. */
const on = (binary: string) => ({ under: ['sh', '-c', 'shift; exec "$0" "$@"', binary] })

interface Finished {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

async function sendAll(peer: Peer): Promise<Transfer> {
  const sent = await peer.sendMuch(64 * MiB)
  await peer.endWriting()
  return sent
}

function run(binary: string, ...words: readonly string[]): Finished {
  const { status, stdout, stderr } = spawnSync(binary, words, { encoding: 'utf8', timeout: 120_000 })
  return { status, stdout, stderr }
}

/** Runs a module on that Node. */
function runModule(t: TestContext, binary: string, text: string): Finished {
  const file = join(temporaryFolder(t), 'script.mjs')
  writeFileSync(file, text)
  return run(binary, file)
}

for (const major of MAJORS) {
  const onNode = (title: string, act: (t: TestContext, binary: string) => void | Promise<void>) => {
    test(`Node ${major}: ${title}`, async (t) => {
      const binary = nodeBinary(t, major)
      if (binary !== undefined) await act(t, binary)
    })
  }

  onNode('the binary has that version', (_t, binary) => {
    assert.match(run(binary, '--version').stdout, new RegExp(`^v${major}\\.`))
    const { status, stderr } = run(binary, fileOfProject('bin/tcprelay.js'), '-v')
    assert.equal(status, 0)
    assert.match(stderr, new RegExp(`\\(Node\\.js ${major}\\.`))
  })

  onNode('the program relays and stops in order', async (t, binary) => {
    const peers = rawPeers(t)
    if (!peers) return
    const listening = await peers.listen()
    const relay = await relayTo(listening).running(on(binary)).start(t)
    const pair = async () => {
      const client = await peers.connect(relay.port())
      return { client, server: await listening.accept() }
    }

    await t.test('a request and its reply', async () => {
      const { client, server } = await pair()
      await client.send('hello')
      assert.equal(await server.read(5), 'hello')
      await server.send('good day')
      assert.equal(await client.read(8), 'good day')
      await client.close()
      assert.equal(await server.ending(), 'end')
      await server.close()
    })

    await t.test('64 MiB each way at once', async () => {
      const { client, server } = await pair()
      const [up, upGot, down, downGot] = await Promise.all([
        sendAll(client),
        server.readToEnd(),
        sendAll(server),
        client.readToEnd(),
      ])
      assert.deepEqual([upGot.bytes, upGot.sha256], [64 * MiB, up.sha256])
      assert.deepEqual([downGot.bytes, downGot.sha256], [64 * MiB, down.sha256])
    })

    await t.test('half-close is preserved', async () => {
      const { client, server } = await pair()
      await client.send('last words')
      await client.endWriting()
      assert.equal((await server.readToEnd()).bytes, 10)
      await server.send('still here')
      await server.close()
      assert.equal((await client.readToEnd()).bytes, 10)
    })

    await t.test('resets are forwarded, both ways', async () => {
      // A remote that resets before the relay has seen it connected is retried.
      const relayingPair = async () => {
        const { client, server } = await pair()
        await client.send('x')
        assert.equal(await server.read(1), 'x')
        return { client, server }
      }
      const one = await relayingPair()
      await one.client.reset()
      assert.equal(await one.server.ending(), 'ECONNRESET')
      const other = await relayingPair()
      await other.server.reset()
      assert.equal(await other.client.ending(), 'ECONNRESET')
    })

    await relay.isIdle()
    relay.signal('SIGTERM')
    assert.deepEqual(await relay.ended(3_000), { code: 0, signal: null })
    assert.doesNotMatch(relay.program.stderr.text, /warning:|Warning|err:/)
  })

  onNode('a worker calls the OpenSSL that Node is linked with', (t, binary) => {
    const ffi = new URL('../../src/kernel/ffi.js', import.meta.url).href
    const { status, stdout, stderr } = runModule(
      t,
      binary,
      `import { isMainThread, Worker } from 'node:worker_threads'
       import { nativeFunction } from '${ffi}'
       if (isMainThread) new Worker(new URL(import.meta.url))
       else {
         const context = nativeFunction('uintptr_t SSL_CTX_new(uintptr_t method)')(
           nativeFunction('uintptr_t TLS_method()')(),
         )
         const ssl = nativeFunction('uintptr_t SSL_new(uintptr_t context)')(context)
         nativeFunction('void SSL_free(uintptr_t ssl)')(ssl)
         nativeFunction('void SSL_CTX_free(uintptr_t context)')(context)
         const version = nativeFunction('const char *OpenSSL_version(int what)')(0)
         console.log(JSON.stringify({ ssl: ssl > 0, context: context > 0, version, linked: process.versions.openssl }))
       }`,
    )
    assert.equal(status, 0, stderr)
    const { context, linked, ssl, version } = JSON.parse(stdout)
    assert.deepEqual([context, ssl], [true, true])
    assert.ok(version.startsWith(`OpenSSL ${linked.split('+')[0]}`), `${version} is not ${linked}`)
  })

  onNode('the layers that call the kernel pass their tests', (_t, binary) => {
    const folders = ['src/kernel', 'src/reactor', 'src/cells', 'test/contract']
    const files = folders.flatMap((folder) =>
      readdirSync(fileOfProject(`dist/${folder}`))
        .filter((name) => name.endsWith('.test.js'))
        .map((name) => fileOfProject(`dist/${folder}/${name}`)),
    )
    // A nested runner would take itself for a part of this one.
    const { status, stdout, stderr } = runWithoutContext(binary, ['--test', '--test-concurrency=1', ...files])
    assert.equal(status, 0, stdout + stderr)
    assert.match(stdout, /(?:#|ℹ) pass \d{2,}/)
  })
}

function runWithoutContext(binary: string, words: readonly string[]): Finished {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(binary, words, { encoding: 'utf8', timeout: 120_000, env })
  return { status, stdout, stderr }
}
