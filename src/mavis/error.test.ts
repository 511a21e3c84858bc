import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { FakeServices, queryOf, throughModule } from '../../test/support/mavis.js'
import { ErrorModule } from './error.js'
import { ACK, ERR, NAK, NFD } from './module.js'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'tcprelay-error-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

class World {
  readonly services = new FakeServices()
  readonly module: ErrorModule

  constructor(file: string | undefined, threshold: number) {
    this.module = new ErrorModule({ module: 'error', file, threshold }, this.services)
  }

  /** The results after the module. */
  see(...results: readonly string[]): (string | undefined)[] {
    return results.map((RESULT) => throughModule(this.module, queryOf(), { RESULT }).values.RESULT)
  }
}

test('converts ERR to NAK until the threshold', () => {
  assert.deepEqual(new World(undefined, 3).see(ERR, ERR, ERR, ERR), [NAK, NAK, ERR, ERR])
  assert.deepEqual(new World(undefined, 0).see(ERR), [ERR])
})

test('resets the count on ACK and NAK, not on NFD', () => {
  const world = new World(undefined, 2)
  assert.deepEqual(world.see(ERR, ACK, ERR, NAK, ERR, NFD, ERR), [NAK, ACK, NAK, NAK, NAK, NFD, ERR])
})

test('counts together with other processes that use the same file', async (t) => {
  const file = join(folder(t), 'count')
  const [one, other] = [new World(file, 3), new World(file, 3)]
  assert.deepEqual([one.see(ERR), other.see(ERR), one.see(ERR), other.see(ERR)], [[NAK], [NAK], [ERR], [ERR]])
  assert.equal(readFileSync(file).readInt32LE(), 4)
  assert.equal(statSync(file).size, 4)
  one.see(ACK)
  assert.deepEqual(other.see(ERR), [NAK])
  await one.module.close()
  await other.module.close()
  assert.deepEqual([...one.services.lines, ...other.services.lines], [])
})

test('reads invalid file contents as a valid count', async (t) => {
  const file = join(folder(t), 'count')
  for (const [bytes, expected] of [
    [[1], NAK],
    [[255, 255, 255, 255], NAK],
    [[255, 255, 255, 127], ERR],
    [[7, 0, 0, 0, 1, 1], ERR],
  ] as const) {
    writeFileSync(file, Buffer.from(bytes))
    const world = new World(file, 3)
    assert.deepEqual(world.see(ERR), [expected], String(bytes))
    await world.module.close()
  }
})

test('logs a file error once and counts in memory', (t) => {
  const path = folder(t)
  symlinkSync('elsewhere', join(path, 'link'))
  for (const file of [join(path, 'missing', 'count'), join(path, 'link'), path]) {
    const world = new World(file, 2)
    assert.deepEqual(world.see(ERR, ERR, ERR, ACK, ERR), [NAK, ERR, ERR, ACK, NAK])
    assert.equal(world.services.lines.length, 1, file)
  }
})
