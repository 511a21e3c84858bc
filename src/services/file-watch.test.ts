import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../../test/harness/clean-up.js'
import { until } from '../../test/harness/until.js'
import { countingBoundary, STRICT } from '../../test/support/boundaries.js'
import { FileWatch, stampOf } from './file-watch.js'

/** A watch that the test polls, with a counter of its changes. */
function watching(t: TestContext, ...paths: string[]) {
  let changes = 0
  const watch = new FileWatch(() => {
    changes++
  }, STRICT)
  t.after(() => watch.close())
  watch.watch(new Map(paths.map((path) => [path, stampOf(path)])), 3_600_000)
  return { watch, changes: () => changes }
}

test('reports a change when two polls agree', async (t) => {
  const folder = temporaryFolder(t)
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  writeFileSync(certificate, 'a')
  writeFileSync(key, 'a')
  const { watch, changes } = watching(t, certificate, key)
  await watch.poll()
  writeFileSync(certificate, 'bb')
  await watch.poll()
  writeFileSync(key, 'bb')
  await watch.poll()
  assert.equal(changes(), 0, 'still being written')
  await watch.poll()
  assert.equal(changes(), 1)
  await watch.poll()
  await watch.poll()
  assert.equal(changes(), 1, 'reported once')
})

test('detects removed, restored and relinked files', async (t) => {
  const folder = temporaryFolder(t)
  for (const version of ['1', '2']) {
    mkdirSync(join(folder, version))
    writeFileSync(join(folder, version, 'cert.pem'), 'same')
  }
  symlinkSync('1', join(folder, 'current'))
  const path = join(folder, 'current', 'cert.pem')
  const { watch, changes } = watching(t, path)
  symlinkSync('2', join(folder, 'next'))
  renameSync(join(folder, 'next'), join(folder, 'current'))
  await watch.poll()
  await watch.poll()
  assert.equal(changes(), 1)
  rmSync(path)
  await watch.poll()
  await watch.poll()
  assert.equal(changes(), 2)
  writeFileSync(path, 'same')
  await watch.poll()
  await watch.poll()
  assert.equal(changes(), 3)
})

test('detects a change between reading and the start of the watch', async (t) => {
  const path = join(temporaryFolder(t), 'cert.pem')
  writeFileSync(path, 'a')
  const stamps = new Map([[path, stampOf(path)]])
  writeFileSync(path, 'bb')
  const changed = new Promise<void>((resolve) => {
    const watch = new FileWatch(resolve, STRICT)
    t.after(() => watch.close())
    watch.watch(stamps, 1)
  })
  const alive = setInterval(() => {}, 1_000)
  await changed
  clearInterval(alive)
})

test('continues watching when the change handler throws', async (t) => {
  const path = join(temporaryFolder(t), 'cert.pem')
  writeFileSync(path, 'a')
  const { boundary } = countingBoundary()
  let calls = 0
  const watch = new FileWatch(() => {
    calls++
    throw new Error('injected')
  }, boundary)
  t.after(() => watch.close())
  watch.watch(new Map([[path, stampOf(path)]]), 1)
  for (const text of ['bb', 'ccc']) {
    const before = calls
    writeFileSync(path, text)
    await until('the change', () => calls > before)
  }
  await until('both exceptions', () => boundary.count === 2)
})
