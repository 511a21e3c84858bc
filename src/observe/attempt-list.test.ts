import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AttemptList, type AttemptWord } from './attempt-list.js'

function textOf(...attempts: readonly (readonly [remote: string, word: AttemptWord])[]): string {
  const list = new AttemptList()
  for (const [remote, word] of attempts) list.add(remote, word)
  return list.text
}

test('lists failed attempts in order, equal ones in a row once', () => {
  assert.equal(textOf(), '')
  assert.equal(textOf(['db1', 'refused'], ['db2', 'timeout']), 'db1:refused,db2:timeout')
  assert.equal(textOf(['a', 'refused'], ['a', 'refused'], ['a', 'timeout']), 'a:refused*2,a:timeout')
})

test('is empty again after clear', () => {
  const list = new AttemptList()
  list.add('a', 'refused')
  list.clear()
  assert.equal(list.text, '')
  list.add('b', 'tls')
  assert.equal(list.text, 'b:tls')
})

test('counts the attempts that do not fit, and lists none after them', () => {
  const names = Array.from({ length: 30 }, (_, at) => `server-${at}`)
  const text = textOf(...names.map((name) => [name, 'refused'] as const))
  const listed = text.split(',')
  const left = Number(/^\+(\d+)$/.exec(listed.pop() ?? '')?.[1])
  assert.deepEqual(
    listed,
    names.slice(0, 30 - left).map((name) => `${name}:refused`),
  )
  assert.ok(left > 0 && listed.length > 5)
})

test('has at most 192 bytes and loses no attempt', () => {
  const word = fc.constantFrom<AttemptWord>('refused', 'unreachable', 'tls')
  const name = fc.stringMatching(/^[a-zäöü漢0-9]{1,64}$/)
  fc.assert(
    fc.property(fc.array(fc.tuple(name, word), { maxLength: 60 }), (attempts) => {
      const text = textOf(...attempts)
      assert.ok(Buffer.byteLength(text) <= 192)
      const counts = text.split(',').map((entry) => {
        if (entry === '') return 0
        return Number(/^\+(\d+)$/.exec(entry)?.[1] ?? /\*(\d+)$/.exec(entry)?.[1] ?? 1)
      })
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        attempts.length,
      )
    }),
  )
})
