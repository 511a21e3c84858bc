import assert from 'node:assert/strict'
import { test } from 'node:test'
import { devLog } from '../harness/dev-log.js'
import { rawPeers } from '../harness/peers.js'
import { startTcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'

/** UUCP and INFO, WARNING: 8 × 8 + 6, + 4. LOCAL3 and NOTICE: 19 × 8 + 5. */
const UUCP_INFO = 70
const LOCAL3_NOTICE = 157

const EXIT_CONFIG = 78

test('lines go to the system log, as UUCP and INFO', async (t) => {
  const peers = rawPeers(t)
  const log = peers && (await devLog(t, peers))
  if (!log) return
  const relay = await relayTo(await remoteThat(echoes).start(t))
    .with('access log = syslog')
    .running({ under: log.under })
    .start(t)
  const form = (text: string) =>
    new RegExp(`^<${UUCP_INFO}>[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d tcprelay\\[\\d+\\]: ${text}`)
  await log.got(form('startup \\(version '))
  await log.got(form(`bind to 127\\.0\\.0\\.1:${relay.port()} succeeded`))
  const client = await relay.connect()
  await client.exchange('hello')
  await client.endWriting()
  await log.got(form('id=0-\\w+-1 .* end=done$'))
})

test('ident, facility and severity are as configured', async (t) => {
  const peers = rawPeers(t)
  const log = peers && (await devLog(t, peers))
  if (!log) return
  await relayTo(await remoteThat(echoes).start(t))
    .withMaster('syslog ident = front', 'syslog facility = LOCAL3', 'syslog severity = NOTICE')
    .running({ under: log.under })
    .start(t)
  const line = await log.got(/startup/)
  assert.match(line, new RegExp(`^<${LOCAL3_NOTICE}>.* front\\[\\d+\\]: startup`))
})

test('with a system log and no terminal nothing goes to stderr', async (t) => {
  const peers = rawPeers(t)
  const log = peers && (await devLog(t, peers))
  if (!log) return
  const file = relayTo(await remoteThat(echoes).start(t)).file(t)
  const program = startTcprelay(t, [file], { under: log.under })
  await log.got(/bind to .* succeeded/)
  assert.equal(program.stderr.text, '')
})

test('errors in the configuration of a background service go to the system log', async (t) => {
  const peers = rawPeers(t)
  const log = peers && (await devLog(t, peers))
  if (!log) return
  const plan = relayTo(await remoteThat(echoes).start(t)).with('idle timeout = soon')
  const program = startTcprelay(t, ['-b', plan.file(t)], { under: log.under })
  await log.got(/^<67>.* tcprelay\[\d+\]: .*relay\.cfg:\d+:\d+: .*'soon'/)
  assert.equal((await program.ended()).code, EXIT_CONFIG)
})

test('errors in the configuration of a child of another program go to the system log', async (t) => {
  const peers = rawPeers(t)
  const log = peers && (await devLog(t, peers))
  if (!log) return
  // A child recognises its role by the wire, a datagram socket on descriptor 0.
  const plan = relayTo(await remoteThat(echoes).start(t)).with('idle timeout = soon')
  const wire =
    'import os, socket, sys; a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); os.dup2(b.fileno(), 0)'
  const python = ['python3', '-c', `${wire}; os.execv(sys.argv[1], sys.argv[1:])`]
  const program = startTcprelay(t, [plan.file(t)], { under: [...log.under, ...python] })
  await log.got(/^<67>.* tcprelay\[\d+\]: .*relay\.cfg:\d+:\d+: .*'soon'/)
  assert.equal((await program.ended()).code, EXIT_CONFIG)
})
