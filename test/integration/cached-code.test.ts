import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Script } from 'node:vm'
import { temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { fileOfProject, Program } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'

/** A copy of the built program, and the files of compiled code in it. */
function copyOf(t: TestContext): { readonly program: string; readonly caches: readonly string[] } {
  const folder = temporaryFolder(t)
  for (const part of ['bin', 'dist/bundle', 'package.json']) {
    cpSync(fileOfProject(part), join(folder, part), { recursive: true })
  }
  symlinkSync(fileOfProject('dist/src'), join(folder, 'dist/src'))
  symlinkSync(fileOfProject('node_modules'), join(folder, 'node_modules'))
  const files = readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' })
  const caches = files.filter((name) => /^bundle\/.*\.cache$/.test(name))
  return {
    program: join(folder, 'bin/tcprelay.js'),
    caches: caches.map((name) => join(folder, 'dist', name)),
  }
}

for (const [what, change] of [
  ['without the code that was compiled in advance', (file: string) => rmSync(file)],
  ['with such code of another version', (file: string) => writeFileSync(file, Buffer.alloc(100_000, 1))],
] as const) {
  test(`the program runs ${what}`, async (t) => {
    const { caches, program: file } = copyOf(t)
    assert.equal(caches.length, 5)
    for (const cache of caches) change(cache)
    const plan = relayTo(await remoteThat(echoes).start(t))
    const program = new Program(t, [process.execPath, file, '-D', plan.file(t)])
    const [, port] = await program.stderr.reached(/bind to .*:(\d+) succeeded/)
    const client = await Client.connect(t, { port: Number(port) })
    assert.equal(await client.exchange('hello'), 'hello')
    await client.close()
    program.signal('SIGTERM')
    assert.deepEqual(await program.ended(), { code: 0, signal: null })
  })
}

test('functions that a start and a session call are compiled in advance', (t) => {
  const { caches } = copyOf(t)
  for (const cache of caches) {
    const code = readFileSync(cache.replace(/\.\w+\.cache$/, ''), 'latin1')
    const parsedOnly = new Script(code).createCachedData().length
    // They are a third to a half of it.
    assert.ok(statSync(cache).size > parsedOnly * 1.2, `${cache}: no more than ${parsedOnly} bytes`)
  }
})
