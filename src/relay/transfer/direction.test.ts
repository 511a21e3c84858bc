import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInThisContext } from 'node:vm'
import type { Connection } from '../connection.js'
import { Direction } from './direction.js'

setFlagsFromString('--allow-natives-syntax')
const haveSameShape: (one: object, other: object) => boolean = runInThisContext(
  '(one, other) => %HaveSameMap(one, other)',
)

test('a direction keeps its shape beyond the range of small integers', () => {
  const nobody = {} as Connection
  const [fresh, busy] = [new Direction(nobody, nobody), new Direction(nobody, nobody)]
  assert.equal(fresh.bytes, 0)
  busy.bytes = 2 ** 40
  assert.ok(haveSameShape(fresh, busy))
})
