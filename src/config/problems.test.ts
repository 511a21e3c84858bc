import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Problems, problemLine } from './problems.js'

const AT = { file: 'case', line: 2, column: 3 }

test('a log line contains the hint', () => {
  const problems = new Problems()
  problems.error(AT, "unknown directive 'prot'", { hint: "did you mean 'port'?" })
  problems.warn({ ...AT, column: 9 }, 'no hint')
  assert.deepEqual(problems.sorted().map(problemLine), [
    "case:2:3: unknown directive 'prot' (did you mean 'port'?)",
    'case:2:9: warning: no hint',
  ])
})

test('a log line stays one line, whatever the hint quotes', () => {
  const problem = { severity: 'error', position: AT, message: 'x', hint: 'write\n\u001b[1m' } as const
  assert.equal(problemLine(problem), 'case:2:3: x (write\ufffd\ufffd[1m)')
})

test('errorOnce reports the first position only', () => {
  const problems = new Problems()
  problems.errorOnce(AT, 'x')
  problems.errorOnce({ ...AT, line: 5 }, 'x')
  assert.equal(problems.sorted().length, 1)
})
