import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EMFILE, ENOBUFS } from '../kernel/errno.js'
import { ThrottledWarnings } from './throttled-warnings.js'

const peer = { describe: () => '192.0.2.7:5012' }
const stranger = { peer, user: '', listener: 'front', refusal: 'denied', comment: '' } as const

function world() {
  const lines: string[] = []
  return { lines, warnings: new ThrottledWarnings((_severity, line) => lines.push(line)) }
}

test('logs TLS failures once a second, with the number of suppressed lines', () => {
  const { lines, warnings } = world()
  for (const nowMs of [0, 1, 2, 1_000]) warnings.reportTlsFailure(nowMs, peer, 'no shared cipher')
  const line = 'TLS with 192.0.2.7:5012 failed: no shared cipher'
  assert.deepEqual(lines, [line, `${line} (2 similar suppressed)`])
})

test('logs who was rejected where, and why', () => {
  const { lines, warnings } = world()
  warnings.reportRefusal(0, stranger)
  warnings.reportRefusal(1_000, { ...stranger, user: 'bob', comment: 'not on easter' })
  assert.deepEqual(lines, [
    'rejected client 192.0.2.7:5012 of front: denied by a module',
    'rejected client 192.0.2.7:5012 (bob) of front: denied by a module: not on easter',
  ])
})

test('truncates names and comments of strangers', () => {
  const { lines, warnings } = world()
  warnings.reportRefusal(0, { ...stranger, user: 'u'.repeat(10_000), comment: 'c'.repeat(10_000) })
  assert.match(
    lines.join(),
    /^rejected client 192\.0\.2\.7:5012 \(u{253}\.\.\.\) of front: .*: c{253}\.\.\.$/,
  )
})

test('logs a failure on this machine once until it has recovered', () => {
  const { lines, warnings } = world()
  for (const errno of [EMFILE, EMFILE, ENOBUFS]) warnings.report('cannot connect', errno)
  warnings.recovered()
  warnings.report('cannot connect', ENOBUFS)
  assert.equal(lines.length, 3)
})
