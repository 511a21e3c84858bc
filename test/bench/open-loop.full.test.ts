import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { Histogram } from '../../bench/open-loop/histogram.js'
import { replyBytes } from '../../bench/open-loop/http-reply.js'
import type { LoadReport } from '../../bench/open-loop/run-load.js'
import { Schedule } from '../../bench/open-loop/schedule.js'
import { Tally } from '../../bench/open-loop/tally.js'
import { OwnProcess } from '../../bench/system/own-process.js'
import { freePort, untilListening } from '../../bench/system/port.js'

test('a percentile of the histogram is off by at most half a per cent', () => {
  const times = fc.array(fc.double({ min: 0.2, max: 1e8, noNaN: true }), { minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(times, fc.constantFrom(0.01, 0.5, 0.99, 0.999, 1), (us, share) => {
      const histogram = new Histogram()
      for (const time of us) histogram.add(time)
      const exact = us.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(share * us.length)) - 1] ?? Number.NaN
      // Printed values are rounded to a tenth.
      const off = Math.abs(histogram.percentile(share) - exact) - 0.05
      assert.ok(off <= exact * 0.005, `${histogram.percentile(share)} is not ${exact}`)
    }),
  )
})

test('the longest time is exact, and times beyond the last bucket are kept', () => {
  const histogram = new Histogram()
  for (const us of [0, 1_234.5, 5e12]) histogram.add(us)
  assert.equal(histogram.count, 3)
  assert.equal(histogram.percentiles.maxUs, 5e12)
  assert.ok(histogram.percentile(0.3) <= 0.1)
  assert.ok(Number.isNaN(new Histogram().percentile(0.5)))
})

test('requests are due at a fixed rate, however late they are taken', () => {
  const schedule = new Schedule(1_000, 2_000, 0.002)
  assert.equal(schedule.isDue(999.9), false)
  assert.equal(schedule.isDue(1_000), true)
  assert.equal(schedule.take(), 1_000)
  assert.equal(schedule.isDue(1_000.4), false)
  // After a long pause three more are due, each at its own time.
  const late: number[] = []
  while (schedule.isDue(5_000)) late.push(schedule.take())
  assert.deepEqual(late, [1_000.5, 1_001, 1_001.5])
  assert.equal(schedule.isOver, true)
})

test('a schedule stays in step with the timer of the kernel', () => {
  const schedule = new Schedule(0, 3_000, 600)
  assert.equal(schedule.intervalNs, 333_333)
  let lastMs = 0
  while (!schedule.isOver) lastMs = schedule.take()
  assert.equal(lastMs, (1_799_999 * 333_333) / 1e6)
})

test('requests of the lead-in are counted but not in the percentiles', () => {
  const tally = new Tally()
  tally.recordFromMs = 10
  tally.sent(5, 905)
  tally.sent(10, 10.01)
  tally.sent(11, 11.02)
  tally.answered(5, 1_905)
  tally.answered(10, 10.25)
  assert.equal(tally.pending, 1)
  tally.broke(1, 'connection reset by peer')
  tally.broke(0, 'nothing')
  const { answered, recorded, broken, pendingMax, complaint, latency, lag } = tally.report
  assert.deepEqual(
    { answered, recorded, broken, pendingMax },
    { answered: 2, recorded: 1, broken: 1, pendingMax: 3 },
  )
  assert.equal(complaint, 'connection reset by peer')
  assert.equal(latency.maxUs, 250)
  assert.equal(lag.maxUs, 20)
})

test('replies are cut out of a stream by their length', () => {
  const reply = 'HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 3\r\n\r\nok\n'
  const bytes = Buffer.from(`${reply}${reply}`, 'latin1')
  assert.equal(replyBytes(bytes, 0, bytes.length), reply.length)
  assert.equal(replyBytes(bytes, reply.length, bytes.length), reply.length)
  for (let to = 0; to < reply.length; to++) assert.equal(replyBytes(bytes, 0, to), 0)
  const bad = Buffer.from(reply.replace('200 OK', '502 Bad Gateway'), 'latin1')
  assert.throws(() => replyBytes(bad, 0, bad.length), /HTTP\/1.1 502 Bad Gateway/)
  const endless = Buffer.from('HTTP/1.1 200 OK\r\n\r\n', 'latin1')
  assert.throws(() => replyBytes(endless, 0, endless.length), /unexpected reply: HTTP\/1.1 200 OK/)
})

/** A server that stalls once for this long, in the middle of the load. */
const STALLING_SERVER = `
let requests = 0
require('node:http').createServer((request, response) => {
  const untilMs = ++requests === 200 ? Date.now() + Number(process.argv[2]) : 0
  while (Date.now() < untilMs);
  response.end('ok')
}).listen(process.argv[1], '127.0.0.1')`

const GENERATOR = fileURLToPath(new URL('../../bench/open-loop/main.js', import.meta.url))

function start(t: TestContext, ...args: readonly (string | number)[]): OwnProcess {
  const dir = mkdtempSync(join(tmpdir(), 'open-loop-test-'))
  const own = new OwnProcess({ command: process.execPath, args: args.map(String) }, dir)
  t.after(async () => {
    await own.end()
    rmSync(dir, { recursive: true, force: true })
  })
  return own
}

async function loadOf(
  t: TestContext,
  port: number,
  ...args: readonly (string | number)[]
): Promise<LoadReport> {
  const generator = start(t, GENERATOR, '--port', port, ...args)
  assert.ok(await generator.endsWithin(30_000))
  assert.match(generator.output, /^\{/, generator.complaint)
  return JSON.parse(generator.output) as LoadReport
}

test('requests fall due while the server stalls, and latency counts from their due time', async (t) => {
  const port = await freePort()
  await untilListening(start(t, '-e', STALLING_SERVER, port, 500), port)
  const load = ['--connections', 4, '--requests', 1_000, '--seconds', 1, '--lead-in', 0.1]
  const { requests, wholeConnections } = await loadOf(t, port, ...load)
  assert.equal(wholeConnections, undefined)
  assert.equal(requests?.broken, 0, requests?.complaint)
  assert.equal(requests?.answered, 1_100)
  assert.equal(requests?.recorded, 1_000)
  // Half of them fell due during the stall. Clients that wait for replies would have sent four.
  assert.ok((requests?.latency.p99Us ?? 0) > 400_000, `p99 is ${requests?.latency.p99Us} µs`)
})

test('new connections are opened at their rate, beside requests on kept ones', async (t) => {
  const port = await freePort()
  await untilListening(start(t, '-e', STALLING_SERVER, port, 0), port)
  const load = ['--connections', 2, '--requests', 100, '--whole-connections', 200, '--seconds', 1]
  const { requests, wholeConnections, seconds } = await loadOf(t, port, ...load)
  assert.deepEqual([requests?.answered, requests?.broken], [100, 0])
  assert.deepEqual([wholeConnections?.answered, wholeConnections?.broken], [200, 0])
  assert.ok(seconds > 0.98, `${seconds} s`)
  assert.ok((wholeConnections?.latency.p50Us ?? 0) > (wholeConnections?.lag.p50Us ?? 0))
})

test('a missing relay breaks every request, with the reason', async (t) => {
  const load = ['--connections', 2, '--requests', 50, '--whole-connections', 20, '--seconds', 0.2]
  const { requests, wholeConnections } = await loadOf(t, await freePort(), ...load)
  assert.deepEqual([requests?.answered, requests?.broken], [0, 10])
  assert.deepEqual([wholeConnections?.answered, wholeConnections?.broken], [0, 4])
  assert.equal(wholeConnections?.complaint, 'connection refused')
})
