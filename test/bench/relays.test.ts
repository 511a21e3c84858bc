import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { haproxy, haproxyLog } from '../../bench/relays/haproxy.js'
import type { Relay, RelaySite } from '../../bench/relays/relay.js'
import { socat } from '../../bench/relays/socat.js'
import { tcprelayProduction } from '../../bench/relays/tcprelay.js'
import { descriptorShortage, openFilesIn } from '../../bench/system/limits.js'
import { OwnProcess } from '../../bench/system/own-process.js'
import { freePort, untilListening } from '../../bench/system/port.js'
import { needs } from '../harness/needs.js'

async function siteFor(t: TestContext): Promise<RelaySite> {
  const dir = mkdtempSync(join(tmpdir(), 'bench-test-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const remote = createServer((socket) => socket.pipe(socket))
  const remotePort = await freePort()
  await new Promise<void>((resolve) => remote.listen(remotePort, '127.0.0.1', resolve))
  t.after(() => remote.close())
  return { listenPort: await freePort(), remoteHost: '127.0.0.1', remotePort, dir, certificate: undefined }
}

async function started(t: TestContext, relay: Relay, site: RelaySite): Promise<void> {
  const own = new OwnProcess(relay.launch(site), site.dir)
  t.after(() => own.end())
  await untilListening(own, site.listenPort)
}

/** One whole connection through the relay. */
async function echoed({ listenPort }: RelaySite): Promise<string> {
  const client = connect({ port: listenPort, host: '127.0.0.1', allowHalfOpen: true })
  client.end('hello')
  let reply = ''
  for await (const chunk of client.setEncoding('utf8')) reply += chunk
  return reply
}

test('socat relays', async (t) => {
  if (!needs(t, 'socat')) return
  const site = await siteFor(t)
  await started(t, socat, site)
  assert.equal(await echoed(site), 'hello')
})

test('HAProxy with logging sends a line per connection to its UDP port', async (t) => {
  if (!needs(t, 'haproxy')) return
  const site = await siteFor(t)
  const sink = createSocket('udp4')
  t.after(() => sink.close())
  await new Promise<void>((resolve) => sink.bind(site.listenPort, '127.0.0.1', resolve))
  const line = new Promise<string>((resolve) => sink.once('message', (bytes) => resolve(String(bytes))))
  await started(t, haproxyLog, site)
  assert.equal(await echoed(site), 'hello')
  assert.match(await line, /127\.0\.0\.1:\d+ .* relay\/remote \d+\/\d+\/\d+ 5 /)
})

test('the sink listens where HAProxy sends', async (t) => {
  const site = await siteFor(t)
  const launch = haproxyLog.companion?.(site)
  assert.ok(launch)
  const sink = new OwnProcess(launch, site.dir)
  t.after(() => sink.end())
  while (!sink.output.includes('\n')) {
    assert.equal(sink.hasExited, false, sink.complaint)
    await sink.endsWithin(5)
  }
  const other = createSocket('udp4')
  t.after(() => other.close())
  const refused = new Promise<NodeJS.ErrnoException>((resolve) => other.once('error', resolve))
  other.bind(site.listenPort, '127.0.0.1')
  assert.equal((await refused).code, 'EADDRINUSE')
})

test('tcprelay-production relays and writes an access line per connection', async (t) => {
  const site = await siteFor(t)
  await started(t, tcprelayProduction, site)
  assert.equal(await echoed(site), 'hello')
  const log = join(site.dir, 'access.log')
  const deadlineMs = Date.now() + 10_000
  while (!existsSync(log) || !readFileSync(log, 'utf8').includes('\n')) {
    assert.ok(Date.now() < deadlineMs, 'no line in the access log')
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.match(readFileSync(log, 'utf8'), /127\.0\.0\.1/)
})

test('HAProxy allows as many connections as a workload has', () => {
  const site = { listenPort: 1, remoteHost: 'x', remotePort: 2, dir: '', certificate: undefined }
  const maxconn = (connectionsMax?: number): number =>
    Number(
      /maxconn (\d+)/.exec(String(haproxy.launch({ ...site, connectionsMax }).files?.['haproxy.cfg']))?.[1],
    )
  assert.ok(maxconn() >= 1_500)
  assert.ok(maxconn(4_000) >= 4_000)
})

test('a limit of open files that is too low is reported with the required one', () => {
  assert.equal(openFilesIn('Limit  Soft Limit  Hard Limit\nMax open files   1024   4096   files\n'), 1_024)
  assert.equal(openFilesIn('Max open files   unlimited  unlimited  files\n'), Number.POSITIVE_INFINITY)
  assert.equal(descriptorShortage(0), undefined)
  assert.match(descriptorShortage(1e9) ?? '', /^2000000150 open files \(ulimit -Hn\), and may have \d+$/)
})
