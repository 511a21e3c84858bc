import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../../test/harness/clean-up.js'
import { StateFile } from './state-file.js'

function fileIn(t: TestContext) {
  const folder = temporaryFolder(t)
  const path = join(folder, 'state')
  return { folder, path, file: new StateFile(path) }
}

test('replaces the file as a whole, for its owner alone', async (t) => {
  const { file, folder, path } = fileIn(t)
  assert.equal(file.read(), undefined)
  writeFileSync(path, 'long before', { mode: 0o644 })
  await file.write(['a', 'b'])
  assert.equal(file.read(), 'ab')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  file.writeLast(['c'])
  assert.equal(file.read(), 'c')
  assert.deepEqual(readdirSync(folder), ['state'], 'no temporary file is left')
})

test('the file is the old one until the new one is complete', async (t) => {
  const { file, folder } = fileIn(t)
  await file.write(['old'])
  function* pieces() {
    yield 'new'
    assert.equal(file.read(), 'old')
    throw new Error('a failure in between')
  }
  await assert.rejects(file.write(pieces()), /in between/)
  assert.equal(file.read(), 'old')
  assert.deepEqual(readdirSync(folder), ['state'])
})

test('an older write that is still running does not replace the last one', async (t) => {
  const { file, folder } = fileIn(t)
  const writing = file.write(['older'])
  file.writeLast(['last'])
  await writing
  await file.write(['later'])
  assert.equal(file.read(), 'last')
  assert.deepEqual(readdirSync(folder), ['state'])
})

test('two writes at the same time are one', async (t) => {
  const { file } = fileIn(t)
  await Promise.all([file.write(['first']), file.write(['second'])])
  assert.equal(file.read(), 'first')
})

test('does not follow or read what is no file of ours', async (t) => {
  const { file, folder, path } = fileIn(t)
  const target = join(folder, 'target')
  writeFileSync(target, 'of somebody else')
  symlinkSync(target, path)
  assert.throws(() => file.read(), /not a regular file/)
  await file.write(['ours'])
  assert.equal(readFileSync(target, 'utf8'), 'of somebody else', 'the link is replaced')
  assert.equal(file.read(), 'ours')
  symlinkSync(target, join(folder, '.state.last'))
  assert.throws(() => file.writeLast(['x']), /ELOOP/)
  const asFolder = join(folder, 'folder')
  mkdirSync(asFolder)
  await assert.rejects(new StateFile(asFolder).write(['x']), /EISDIR|ENOTEMPTY|EEXIST/)
})
