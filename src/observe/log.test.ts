import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyText } from '../../test/support/any-text.js'
import { linuxCalls } from '../kernel/linux-calls.js'
import { type AccessRecord, accessLine, idPrefix, withoutTime } from './access-line.js'
import { cut, Log, printable } from './log.js'
import { LINE_BYTES_MAX } from './log-ring.js'
import { DEBUG, ERR, INFO, NOTICE, SEVERITIES, WARNING } from './severity.js'
import { Syslog } from './syslog.js'
import { TRACE_BITS, TraceChannel, type TraceName } from './trace.js'

/** Keeps what would have been sent. */
class Recorder extends Syslog {
  readonly sent: string[] = []

  constructor() {
    super(linuxCalls())
  }

  override send(datagram: string): boolean {
    this.sent.push(datagram)
    return true
  }
}

function logTo(severity: number, hasTraceFile = false) {
  const syslog = new Recorder()
  const echoed: string[] = []
  const traced: string[] = []
  const log = new Log(
    { ident: 'relay', pid: 7, facility: 8, severity },
    {
      syslog,
      echo: (line) => echoed.push(line),
      trace: hasTraceFile ? (line) => traced.push(line) : undefined,
    },
  )
  return { log, sent: syslog.sent, echoed, traced }
}

test('INFO and NOTICE lines take the configured severity, others keep theirs', () => {
  const { log, sent } = logTo(WARNING)
  for (const severity of [ERR, WARNING, NOTICE, INFO, DEBUG]) log.say(severity, 'x')
  const priorities = sent.map((line) => Number(/^<(\d+)>/.exec(line)?.[1]))
  assert.deepEqual(priorities, [64 + ERR, 64 + WARNING, 64 + WARNING, 64 + WARNING, 64 + DEBUG])
})

test('a line on stderr has time, program and severity', () => {
  const { log, echoed } = logTo(INFO)
  log.say(WARNING, 'remote 10.0.0.1:80 is down')
  assert.match(
    echoed.join(),
    /^\d{4}-\d\d-\d\dT[\d:.]+Z relay\[7\]: ?warning: remote 10\.0\.0\.1:80 is down\n$|^\d{4}-\d\d-\d\dT[\d:.]+Z relay\[7\] warning: remote 10\.0\.0\.1:80 is down\n$/,
  )
})

test('only trace lines go to the trace target', () => {
  const { log, sent, echoed, traced } = logTo(INFO, true)
  log.say(DEBUG, 'NET: x')
  assert.deepEqual([sent, echoed, traced.length], [[], [], 1])
  log.say(INFO, 'y')
  assert.deepEqual([sent.length, echoed.length, traced.length], [1, 1, 1])
})

test('without syslog and echo lines are discarded', () => {
  const nowhere = { syslog: undefined, echo: undefined, trace: undefined }
  new Log({ ident: 'x', pid: 1, facility: 8, severity: INFO }, nowhere).say(ERR, 'x')
})

test('escapes control characters in text from peers', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 0x120 })), (codes) => {
      const text = String.fromCharCode(...codes)
      const line = printable(text)
      for (const character of line) {
        const code = character.codePointAt(0) ?? 0
        assert.ok(code >= 0x20 && (code < 0x7f || code > 0x9f), `U+${code.toString(16)} is left`)
      }
    }),
  )
  assert.equal(printable('a\nb\x1b[2Jc\x7f\x9b\0ü'), 'a\\x0ab\\x1b[2Jc\\x7f\\x9b\\x00ü')
})

test('the severities are those of RFC 5424', () => {
  assert.deepEqual(
    [ERR, WARNING, NOTICE, INFO, DEBUG].map((severity) => SEVERITIES[severity]),
    ['ERR', 'WARNING', 'NOTICE', 'INFO', 'DEBUG'],
  )
})

const RECORD: AccessRecord = {
  endedAtMs: Date.UTC(2024, 1, 29, 12, 30, 15, 250),
  id: '0-17',
  client: '10.1.2.3:4567',
  credentials: undefined,
  via: '',
  tlvs: '',
  listener: '0.0.0.0:80',
  pool: '',
  remote: '10.0.0.1:8080',
  failedAttempts: '',
  why: '',
  bytesToRemote: 120,
  bytesToClient: 5_000_000_000,
  durationMs: 1234.5678,
  queuedMs: 0,
  reason: 'done',
  cause: '',
  rule: '',
  comment: '',
  clientTls: undefined,
  remoteTls: undefined,
  clientMptcp: undefined,
  remoteMptcp: undefined,
}

test('formats a line of the access log', () => {
  assert.equal(
    accessLine(RECORD),
    '2024-02-29T12:30:15.250Z id=0-17 client=10.1.2.3:4567 listener=0.0.0.0:80 remote=10.0.0.1:8080' +
      ' to_remote=120 to_client=5000000000 seconds=1.235 end=done',
  )
})

test('each line has its own time, in any order', () => {
  const second = Date.UTC(2024, 1, 29, 12, 30, 15)
  for (const endedAtMs of [second, second + 7, second + 999.6, second + 1_000, second + 60, 0]) {
    const [time] = accessLine({ ...RECORD, endedAtMs }).split(' ')
    assert.equal(time, new Date(endedAtMs).toISOString())
  }
})

test('cause and rule of a rejected client are single words', () => {
  const failed = accessLine({ ...RECORD, reason: 'no-remote', cause: 'connection refused' })
  assert.match(failed, / end=no-remote reason=connection_refused$/)
  const rejected = accessLine({ ...RECORD, reason: 'rejected', rule: '/etc/my relay.cfg:7' })
  assert.match(rejected, / end=rejected rule=\/etc\/my\\x20relay.cfg:7$/)
})

test('failed attempts are listed behind the remote', () => {
  const line = accessLine({ ...RECORD, failedAttempts: 'db1:refused,db2:timeout' })
  assert.match(line, / remote=10\.0\.0\.1:8080 attempts=db1:refused,db2:timeout to_remote=120 /)
})

test('how the session got its remote is the last field, of at most 256 bytes', () => {
  const why = 'relay.cfg:12>web>least-use>2/4,down:1,full:1'
  assert.match(
    accessLine({ ...RECORD, why }),
    / end=done why=relay\.cfg:12>web>least-use>2\/4,down:1,full:1$/,
  )
  const [, long = ''] = / why=(.*)$/.exec(accessLine({ ...RECORD, why: 'ä'.repeat(500) })) ?? []
  assert.ok(Buffer.byteLength(long) <= 256 && long.endsWith('...'))
})

test('removes the time for logs that add one', () => {
  assert.match(withoutTime(accessLine(RECORD)), /^id=0-17 client=/)
})

test('session ids of a later start differ', () => {
  assert.notEqual(idPrefix(0, 1_700_000_000_000), idPrefix(0, 1_700_000_000_001))
  assert.notEqual(idPrefix(0, 1_700_000_000_000), idPrefix(1, 1_700_000_000_000))
})

/** What strangers send where there is no limit: much of it, of characters that become longer in a line. */
const longText = fc
  .tuple(anyText({ maxLength: 20 }), fc.integer({ min: 1, max: 2_000 }))
  .map(([text, times]) => text.repeat(times))

test('a line keeps all fields and fits into the log ring, whatever peers send', () => {
  const tls = fc.record({
    version: fc.constant('TLSv1.3'),
    cipher: fc.constant('TLS_CHACHA20_POLY1305_SHA256'),
    serverName: longText,
    alpn: longText,
    isResumed: fc.constant(true),
    subject: longText,
    pskIdentity: longText,
  })
  const record = fc.record({
    clientTls: tls,
    remoteTls: tls,
    cause: longText,
  })
  // A client that was rejected by a rule or by MAVIS got no remote.
  const rejected = fc.record({ comment: longText, rule: longText })
  const served = fc.record({ failedAttempts: longText, why: longText })
  fc.assert(
    fc.property(record, fc.oneof(rejected, served), longText, longText, (values, end, listener, remote) => {
      const credentials = { user: 4_294_967_294, group: 4_294_967_294 }
      const own = { listener, remote, credentials, clientMptcp: false, remoteMptcp: false }
      const line = accessLine({ ...RECORD, ...values, ...end, ...own })
      assert.ok(Buffer.byteLength(line) <= LINE_BYTES_MAX, `${Buffer.byteLength(line)} bytes`)
      assert.match(line, / to_remote=120 to_client=5000000000 seconds=1\.235 end=done/)
    }),
  )
})

test('truncates between characters', () => {
  assert.equal(cut('short', 5), 'short')
  assert.equal(cut('longer', 5), 'lo...')
  assert.equal(cut('ü'.repeat(4), 8), 'ü'.repeat(4))
  assert.equal(cut('ü'.repeat(5), 8), 'üü...')
  assert.equal(cut('😀😀', 7), '😀...')
})

test('leaves out `remote` for a client that reached none', () => {
  assert.equal(
    accessLine({
      ...RECORD,
      remote: '',
      bytesToRemote: 0,
      bytesToClient: 0,
      durationMs: 0,
      reason: 'no-remote',
      comment: '',
    }),
    '2024-02-29T12:30:15.250Z id=0-17 client=10.1.2.3:4567 listener=0.0.0.0:80' +
      ' to_remote=0 to_client=0 seconds=0.000 end=no-remote',
  )
})

test('logs the TLS fields of both sides', () => {
  const tls = {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_128_GCM_SHA256',
    serverName: 'a.example',
    alpn: undefined,
    isResumed: true,
    subject: undefined,
    pskIdentity: undefined,
  }
  const remoteTls = {
    ...tls,
    serverName: '',
    alpn: 'h2',
    isResumed: false,
    subject: 'CN=a b,O=x',
    pskIdentity: 'joe',
  }
  const line = accessLine({ ...RECORD, clientTls: tls, remoteTls })
  const wanted = [
    ' tls=TLSv1.3 cipher=TLS_AES_128_GCM_SHA256 sni=a.example resumed=yes',
    ' remote_tls=TLSv1.3 remote_cipher=TLS_AES_128_GCM_SHA256 remote_alpn=h2 remote_resumed=no',
    ' remote_subject=CN=a\\x20b,O=x remote_psk=joe to_remote=',
  ]
  assert.ok(line.includes(wanted.join('')), line)
})

test('logs uid and gid of a client of a Unix socket', () => {
  assert.equal(
    accessLine({ ...RECORD, client: 'unix:', credentials: { user: 0, group: 4_294_967_294 } }),
    '2024-02-29T12:30:15.250Z id=0-17 client=unix: uid=0 gid=4294967294 listener=0.0.0.0:80 remote=10.0.0.1:8080' +
      ' to_remote=120 to_client=5000000000 seconds=1.235 end=done',
  )
})

test('every value is one word', () => {
  const hostile = {
    ...RECORD,
    listener: 'unix:/run/a b',
    client: 'unix:@x y',
    remote: 'unix:/tmp/new\nline\t"',
  }
  const [, ...pairs] = accessLine(hostile).split(' ')
  assert.ok(
    pairs.every((pair) => /^[a-z_]+=[^\s=]+$/.test(pair)),
    pairs.join(' | '),
  )
})

test('a trace channel is enabled by its own bit only', () => {
  for (const name of Object.keys(TRACE_BITS) as TraceName[]) {
    const said: [number, string][] = []
    const say = (severity: number, text: string) => said.push([severity, text])
    assert.equal(new TraceChannel(name, 0, say).isOn, false)
    assert.equal(new TraceChannel(name, ~TRACE_BITS[name], say).isOn, false)
    const channel = new TraceChannel(name, TRACE_BITS[name] | 1, say)
    assert.equal(channel.isOn, true)
    channel.say('hello')
    assert.deepEqual(said, [[DEBUG, `${name}: hello`]])
  }
})
