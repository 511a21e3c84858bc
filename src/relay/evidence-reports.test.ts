import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DOWN, EXCLUDED } from '../base/verdict.js'
import { EvidenceReports, type ReportedRemote } from './evidence-reports.js'

function reportsFor(remote: Partial<ReportedRemote> = {}) {
  const verdict = new Int32Array(1)
  const sent: string[] = []
  const reports = new EvidenceReports(
    [{ name: 'a', ...remote }],
    verdict,
    ({ isUp, name, startedMs, why }) => {
      sent.push(`${name} ${isUp ? 'up' : why} ${startedMs}`)
    },
  )
  return { reports, sent, verdict }
}

test('reports what contradicts the verdict, at most every 100 ms', () => {
  const { reports, sent, verdict } = reportsFor()
  reports.succeeded(0, 1, 1)
  for (const atMs of [10, 20, 109, 110]) reports.failed(0, atMs, atMs, 'refused')
  verdict[0] = DOWN
  reports.failed(0, 400, 400, 'refused')
  for (const atMs of [500, 599, 600]) reports.succeeded(0, atMs, atMs)
  verdict[0] = EXCLUDED
  reports.succeeded(0, 700, 700)
  assert.deepEqual(sent, ['a refused 10', 'a refused 110', 'a up 500', 'a up 600', 'a up 700'])
})

test('reports as many failures one by one as exclude the remote, then at most every 100 ms', () => {
  const { reports, sent, verdict } = reportsFor({ failAfter: { count: 3, withinMs: 1_000 } })
  for (let atMs = 0; atMs < 100; atMs++) reports.failed(0, atMs, atMs, 'reset')
  assert.equal(sent.length, 3)
  reports.failed(0, 102, 102, 'reset')
  assert.equal(sent.length, 4)
  for (let atMs = 1_000; atMs < 1_100; atMs++) reports.failed(0, atMs, atMs, 'reset')
  assert.equal(sent.length, 7, 'a window of its own')
  verdict[0] = DOWN
  reports.failed(0, 3_000, 3_000, 'reset')
  assert.equal(sent.length, 8, 'a remote on trial')
  verdict[0] = EXCLUDED
  reports.failed(0, 5_000, 5_000, 'reset')
  assert.equal(sent.length, 8)
})

test('uses the name under which the head knows the health of the remote', () => {
  const { reports, sent } = reportsFor({ healthName: 'a (pool b)' })
  reports.failed(0, 1, 1, 'refused')
  assert.deepEqual(sent, ['a (pool b) refused 1'])
  assert.equal(reports.countsFailures(0), false)
})
