import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Problems, problemLine } from './problems.js'

const AT = { file: 'case', line: 2, column: 3 }

test('a line of the log says what to do', () => {
  const problems = new Problems()
  problems.error(AT, "unknown directive 'prot'", { hint: "did you mean 'port'?" })
  problems.warn({ ...AT, column: 9 }, 'no hint')
  assert.deepEqual(problems.sorted().map(problemLine), [
    "case:2:3: unknown directive 'prot' (did you mean 'port'?)",
    'case:2:9: warning: no hint',
  ])
})

test('a line of the log is one line, whatever the hint repeats', () => {
  const problem = { severity: 'error', position: AT, message: 'x', hint: 'write\n\u001b[1m' } as const
  assert.equal(problemLine(problem), 'case:2:3: x (write\ufffd\ufffd[1m)')
})

test('an error that is meant once is reported at its first place only', () => {
  const problems = new Problems()
  problems.errorOnce(AT, 'x')
  problems.errorOnce({ ...AT, line: 5 }, 'x')
  assert.equal(problems.sorted().length, 1)
})
