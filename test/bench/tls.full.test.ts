import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isMeasuredWith } from '../../bench/plan.js'
import { haproxy } from '../../bench/relays/haproxy.js'
import { hitch } from '../../bench/relays/hitch.js'
import { netRelay } from '../../bench/relays/net.js'
import { nginxStream } from '../../bench/relays/nginx.js'
import type { Relay, RelaySite } from '../../bench/relays/relay.js'
import { stunnel } from '../../bench/relays/stunnel.js'
import { fillIn, subjectRelay } from '../../bench/relays/subject.js'
import { tcprelay } from '../../bench/relays/tcprelay.js'
import { Rounds } from '../../bench/rounds.js'
import type { Failure } from '../../bench/sample.js'
import { findCommand } from '../../bench/system/machine.js'
import { OwnProcess } from '../../bench/system/own-process.js'
import { freePort, untilListening } from '../../bench/system/port.js'
import { allWorkloads } from '../../bench/workloads/index.js'
import { type GeneratorReport, readTlsOutput } from '../../bench/workloads/tls-output.js'
import type { Workload } from '../../bench/workloads/workload.js'

function workload(name: string): Workload {
  const found = allWorkloads(8).find((entry) => entry.name === name)
  assert.ok(found, name)
  return found
}

const REPORT: GeneratorReport = { connections: 900, resumed: 0, seconds: 1.5, p99Ms: 12, broken: 0 }

test('connections, seconds and p99 are parsed from the TLS clients', () => {
  const work = { units: 900, seconds: 1.5, p99Ms: 12, faults: [] }
  assert.deepEqual(readTlsOutput(JSON.stringify(REPORT), 'full'), work)
  assert.deepEqual(readTlsOutput(JSON.stringify({ ...REPORT, resumed: 900 }), 'resumed'), work)
})

test('handshakes of the other kind are faults', () => {
  const some = JSON.stringify({ ...REPORT, resumed: 3 })
  assert.deepEqual(readTlsOutput(some, 'full').faults, ['3 of 900 handshakes were not full'])
  assert.deepEqual(readTlsOutput(some, 'resumed').faults, ['897 of 900 handshakes were not resumed'])
})

test('broken TLS connections are faults, and none at all is an error', () => {
  const sick = { ...REPORT, broken: 2, complaint: 'socket hang up' }
  assert.deepEqual(readTlsOutput(JSON.stringify(sick), 'full').faults, [
    '2 connections broke: socket hang up',
  ])
  const dead = JSON.stringify({ ...sick, connections: 0 })
  assert.throws(() => readTlsOutput(dead, 'full'), /no connection got its reply: socket hang up/)
  assert.throws(() => readTlsOutput('Error: no ticket was given', 'full'), /ended: Error: no ticket/)
})

test('relays are measured only with traffic that they support', () => {
  const measured = (relay: Relay): boolean[] =>
    ['bulk-down', 'tls-bulk-down'].map((name) => isMeasuredWith(relay, workload(name)))
  assert.deepEqual([tcprelay, haproxy].map(measured), [
    [true, true],
    [true, true],
  ])
  assert.deepEqual([hitch, stunnel].map(measured), [
    [false, true],
    [false, true],
  ])
  assert.deepEqual(measured(netRelay), [true, false])
  const byName = [tcprelay, haproxy, nginxStream, netRelay, hitch]
  const choosers = byName.filter((relay) => isMeasuredWith(relay, workload('names')))
  assert.deepEqual(choosers, [tcprelay, haproxy, nginxStream])
  const proxies = ['proxy-in-v1', 'proxy-in-v2', 'proxy-out-v1', 'proxy-out-v2']
  const headersOf = (relay: Relay) => proxies.filter((name) => isMeasuredWith(relay, workload(name)))
  assert.deepEqual([tcprelay, haproxy].map(headersOf), [proxies, proxies])
  assert.deepEqual([nginxStream, netRelay].map(headersOf), [proxies.slice(0, 3), []])
  assert.deepEqual(measured(subjectRelay('x LISTENPORT')), [true, false])
  assert.deepEqual(measured(subjectRelay('x --pem=PEMFILE LISTENPORT')), [false, true])
})

test('every relay that terminates TLS gets its certificate and key, and no other does', () => {
  const certificate = { certificateFile: '/c.pem', keyFile: '/k.pem', bothFile: '/b.pem' }
  const site: RelaySite = { listenPort: 1, remoteHost: '127.0.0.1', remotePort: 2, dir: '/d', certificate }
  const told = (relay: Relay, at: RelaySite): boolean =>
    /\/c\.pem.*\/k\.pem|\/b\.pem/.test(JSON.stringify(relay.launch(at).files))
  for (const relay of [tcprelay, haproxy, nginxStream, hitch, stunnel])
    assert.ok(told(relay, site), relay.name)
  const plain = { ...site, certificate: undefined }
  for (const relay of [tcprelay, haproxy, nginxStream]) assert.ok(!told(relay, plain), relay.name)
  assert.equal(fillIn('CERTFILE,KEYFILE,PEMFILE', site), '/c.pem,/k.pem,/b.pem')
})

test('bytes flow both ways at once between the programs of tls-bulk-both', async (t) => {
  const { server, generator, readWork } = workload('tls-bulk-both')
  const dir = mkdtempSync(join(tmpdir(), 'bench-test-'))
  const port = await freePort()
  const remote = new OwnProcess(server({ port, dir }), dir)
  t.after(async () => {
    await remote.end()
    rmSync(dir, { recursive: true, force: true })
  })
  await untilListening(remote, port)
  const client = new OwnProcess(generator({ port, seconds: 0.3 }), dir)
  assert.ok(await client.endsWithin(10_000), 'the client ends by itself')
  assert.ok(readWork(client.output).units > 2 << 20, client.output || client.complaint)
})

const missing = ['taskset', 'haproxy', 'nginx', 'openssl'].filter(
  (command) => findCommand(command) === undefined,
)
const skip =
  missing.length > 0 ? `missing: ${missing.join(', ')}` : cpus().length < 2 ? 'two cores are needed' : false

async function measured(work: Workload, relays: readonly Relay[] = [haproxy], seconds = 1): Promise<Rounds> {
  const failures: Failure[] = []
  const plan = {
    relays: relays.map((relay) => ({ ...relay, version: '' })),
    workloads: [work],
    omissions: [],
  }
  const progress = { measured: () => {}, failed: (failure: Failure) => failures.push(failure) }
  const rounds = new Rounds(plan, { seconds, warmUpMs: 200, repeatsMax: 0 }, progress)
  await rounds.run(1)
  assert.deepEqual(failures, [])
  return rounds
}

test('full and resumed handshakes are measured with HAProxy and verified', { skip }, async () => {
  for (const name of ['tls-handshakes', 'tls-resumed']) {
    const [sample] = (await measured(workload(name))).results.samples
    const microseconds = (sample?.costPerUnit ?? 0) * 1e6
    assert.ok(microseconds > 10 && microseconds < 10_000, `${name}: ${microseconds} µs a connection`)
  }
})

test('whole connections by one of 1,000 server names are measured', { skip }, async () => {
  const relays = [tcprelay, haproxy, nginxStream]
  // The first connections may take longer than a second on a busy machine: each needs a context of its own.
  const { samples } = (await measured(workload('names'), relays, 4)).results
  assert.deepEqual(
    samples.map(({ relay, work }) => [relay, work.faults]),
    relays.map(({ name }) => [name, []]),
  )
})

test('the memory of an idle TLS connection is measured with HAProxy', { skip }, async () => {
  const idle = workload('tls-idle')
  // As many as in the warm-up, which is enough to check that it works.
  const short: Workload = { ...idle, generator: ({ port }) => idle.warmUp(port, 0) }
  const [sample] = (await measured(short)).results.samples
  assert.equal(sample?.work.units, 100)
  const bytes = sample?.costPerUnit ?? 0
  assert.ok(bytes > 1_000 && bytes < 1_000_000, `${bytes} bytes a connection`)
  assert.ok((sample?.memory?.after.rssBytes ?? 0) > (sample?.memory?.before.rssBytes ?? 0))
})
