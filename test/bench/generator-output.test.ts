import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBothWaysOutput } from '../../bench/workloads/both-ways-output.js'
import { readIperf3Output } from '../../bench/workloads/iperf3-output.js'
import { readLatencyOutput } from '../../bench/workloads/latency-output.js'
import { readWrkOutput, secondsOf } from '../../bench/workloads/wrk-output.js'

const WRK = `Running 2s test @ http://127.0.0.1:21004/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.10ms  155.63us   4.72ms   88.51%
    Req/Sec    58.28k     3.01k   61.54k    90.48%
  Latency Distribution
     50%    1.08ms
     75%    1.14ms
     90%    1.19ms
     99%  803.00us
  121745 requests in 2.10s, 18.11MB read
Requests/sec:  57975.03
Transfer/sec:      8.62MB
`

test('requests, seconds and p99 are parsed from wrk', () => {
  assert.deepEqual(readWrkOutput(WRK), { units: 121_745, seconds: 2.1, p99Ms: 0.803, faults: [] })
})

test('a run of wrk over a minute, and one without latencies, are parsed', () => {
  const long = WRK.replace('in 2.10s', 'in 1.50m').replace('99%', '98%')
  assert.deepEqual(readWrkOutput(long), { units: 121_745, seconds: 90, faults: [] })
})

test('broken connections and non-success replies of wrk are faults', () => {
  const sick = `${WRK}  Socket errors: connect 0, read 12, write 0, timeout 3\n  Non-2xx or 3xx responses: 5\n`
  assert.deepEqual(readWrkOutput(sick).faults, [
    'Socket errors: connect 0, read 12, write 0, timeout 3',
    'Non-2xx or 3xx responses: 5',
  ])
})

test('wrk without a completed request is an error', () => {
  assert.throws(() => readWrkOutput(WRK.replace('121745 requests', '0 requests')), /no request/)
  assert.throws(
    () => readWrkOutput('unable to connect to 127.0.0.1:1 Connection refused'),
    /Connection refused/,
  )
})

test('all time units of wrk are parsed and others rejected', () => {
  assert.deepEqual(
    ['1.00us', '5.00ms', '5.00s', '5.00m', '5.00h'].map(secondsOf),
    [1e-6, 5e-3, 5, 300, 18_000],
  )
  assert.throws(() => secondsOf('5.00d'), /not a time/)
})

test('iperf3 counts received bytes, not sent ones', () => {
  const report = { end: { sum_sent: { bytes: 900, seconds: 1 }, sum_received: { bytes: 800, seconds: 1.5 } } }
  assert.deepEqual(readIperf3Output(JSON.stringify(report)), { units: 800, seconds: 1.5, faults: [] })
})

test('both directions of iperf3 --bidir are added', () => {
  const end = {
    sum_received: { bytes: 800, seconds: 1 },
    sum_received_bidir_reverse: { bytes: 50, seconds: 1.25 },
  }
  assert.deepEqual(readIperf3Output(JSON.stringify({ end })), { units: 850, seconds: 1.25, faults: [] })
})

test('a failed iperf3 is reported with its reason', () => {
  const refused = JSON.stringify({ end: {}, error: 'unable to connect to server' })
  assert.throws(() => readIperf3Output(refused), /unable to connect/)
  assert.throws(() => readIperf3Output('iperf3: parameter error'), /no JSON: iperf3: parameter error/)
  assert.throws(() => readIperf3Output('{"end":{}}'), /no byte/)
})

test('bytes of both directions are added, and a direction without any is an error', () => {
  const report = { upBytes: 300, downBytes: 50, seconds: 1.25 }
  assert.deepEqual(readBothWaysOutput(JSON.stringify(report)), { units: 350, seconds: 1.25, faults: [] })
  assert.throws(() => readBothWaysOutput(JSON.stringify({ ...report, upBytes: 0 })), /no byte went up/)
  const cut = JSON.stringify({ ...report, complaint: 'a connection was closed' })
  assert.throws(() => readBothWaysOutput(cut), /a connection was closed/)
  assert.throws(() => readBothWaysOutput('Error: read'), /the client ended: Error: read/)
})

test("latency at a fixed rate is parsed with the generator's own lag", () => {
  const latency = { p50Us: 60, p99Us: 110, p999Us: 900, maxUs: 1_200 }
  const lag = { p50Us: 5, p99Us: 20, p999Us: 100, maxUs: 150 }
  const requests = { answered: 17_500, recorded: 15_000, broken: 0, pendingMax: 9, latency, lag }
  const report = (changed: object) => JSON.stringify({ seconds: 3.5, requests: { ...requests, ...changed } })
  const work = { units: 17_500, seconds: 3.5, latency, lag, faults: [] }
  assert.deepEqual(readLatencyOutput(report({}), 'requests'), work)
  const broken = readLatencyOutput(report({ broken: 3, complaint: 'connection reset by peer' }), 'requests')
  assert.deepEqual(broken.faults, ['3 had no reply: connection reset by peer'])
  assert.throws(() => readLatencyOutput(report({ recorded: 0, complaint: 'refused' }), 'requests'), /refused/)
  assert.throws(() => readLatencyOutput(report({}), 'wholeConnections'), /no reply came/)
  assert.throws(() => readLatencyOutput('Error: cannot connect', 'requests'), /ended: Error: cannot connect/)
})
