import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyText } from '../../test/support/any-text.js'
import { anySeed } from '../../test/support/chi-square.js'
import { formatAddress, hostFromBytes } from '../base/address.js'
import { type AccessRecord, accessLine, ownWord, strangersWord, withoutTime } from '../observe/access-line.js'
import type { Trace } from './trace.js'
import { TraceParser } from './trace-parser.js'

const LINE =
  '2026-11-22T11:41:03.471Z id=0-mib4k2f7-1 client=127.0.0.1:46224 listener=127.0.0.1:2222 pool=web remote=web1' +
  ' to_remote=78 to_client=137 seconds=0.021 end=done'

const encoder = new TextEncoder()

function parse(text: string | Uint8Array): TraceParser {
  const parser = new TraceParser()
  parser.push(typeof text === 'string' ? encoder.encode(text) : text)
  parser.finish()
  return parser
}

/** A connection as the parser has understood it. */
function connectionOf(trace: Trace, i: number) {
  const word = (column: Int32Array) => trace.words.text(column[i] ?? 0)
  const client = trace.client[i] ?? 0
  const at = trace.clients.addressAt(client)
  return {
    startMs: trace.startMs[i],
    queuedMs: trace.queuedMs[i],
    lengthMs: trace.lengthMs[i],
    toRemote: trace.toRemote[i],
    toClient: trace.toClient[i],
    client: [...trace.clients.bytes.subarray(at, at + trace.clients.byteCountOf(client))],
    listener: word(trace.listener),
    pool: word(trace.pool),
    remote: word(trace.remote),
    end: word(trace.end),
    tlsVersion: word(trace.tlsVersion),
    serverName: word(trace.serverName),
    alpn: word(trace.alpn),
  }
}

test('reads a line', () => {
  const { malformed, trace } = parse(`${LINE}\n`)
  assert.equal(malformed.count, 0)
  assert.equal(trace.count, 1)
  assert.deepEqual(connectionOf(trace, 0), {
    startMs: Date.UTC(2026, 10, 22, 11, 41, 3, 450),
    queuedMs: 0,
    lengthMs: 21,
    toRemote: 78,
    toClient: 137,
    client: [127, 0, 0, 1],
    listener: '127.0.0.1:2222',
    pool: 'web',
    remote: 'web1',
    end: 'done',
    tlsVersion: '',
    serverName: '',
    alpn: '',
  })
})

const text = fc.oneof(anyText({ maxLength: 30 }), fc.constantFrom('a b', ' end=x', '\n', 'ü', ''))
const host = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
)
const tls = fc.option(
  fc.record({
    version: fc.constantFrom('TLSv1.3', 'passed'),
    cipher: fc.option(text, { nil: undefined }),
    serverName: fc.option(text, { nil: undefined }),
    alpn: fc.option(text, { nil: undefined }),
    isResumed: fc.option(fc.boolean(), { nil: undefined }),
    subject: fc.option(text, { nil: undefined }),
    pskIdentity: fc.option(text, { nil: undefined }),
  }),
  { nil: undefined },
)
const record = fc.record({
  endedAtMs: fc.integer({ min: 0, max: Date.UTC(9999, 0) }),
  id: fc.constantFrom('0-mib4k2f7-1', 'rmaster-x-2'),
  host,
  port: fc.integer({ min: 0, max: 65_535 }),
  via: fc.constantFrom('', '192.0.2.1:5'),
  tlvs: fc.constantFrom('', 'alpn:h2'),
  credentials: fc.option(fc.record({ user: fc.nat(), group: fc.nat() }), { nil: undefined }),
  listener: text,
  pool: text,
  remote: text,
  bytesToRemote: fc.maxSafeNat().map((bytes) => bytes % 1e15),
  bytesToClient: fc.maxSafeNat().map((bytes) => bytes % 1e15),
  durationMs: fc.oneof(fc.nat(), fc.double({ min: 0, max: 1e9, noNaN: true })),
  queuedMs: fc.nat({ max: 5_000 }),
  reason: fc.constantFrom('done', 'no-remote', 'rejected'),
  cause: text,
  rule: text,
  comment: text,
  failedAttempts: text,
  why: text,
  clientTls: tls,
  remoteTls: tls,
  clientMptcp: fc.option(fc.boolean(), { nil: undefined }),
  remoteMptcp: fc.option(fc.boolean(), { nil: undefined }),
})

/** A line of the writer, and what the parser must make of it. */
const written = record.map(({ host, port, ...rest }) => {
  const name = hostFromBytes(host)
  const address =
    host.length === 4
      ? ({ family: 'ipv4', host: name, port } as const)
      : ({ family: 'ipv6', host: name, port, scope: '' } as const)
  const { clientTls } = rest
  const lengthMs = Math.round(Number((rest.durationMs / 1_000).toFixed(3)) * 1_000)
  const full: AccessRecord = { ...rest, client: formatAddress(address) }
  const expected = {
    startMs: rest.endedAtMs - lengthMs,
    queuedMs: rest.queuedMs,
    lengthMs: Math.max(0, lengthMs - rest.queuedMs),
    toRemote: rest.bytesToRemote,
    toClient: rest.bytesToClient,
    client: [...host],
    listener: ownWord(rest.listener),
    pool: ownWord(rest.pool),
    remote: ownWord(rest.remote),
    end: rest.reason,
    tlsVersion: clientTls?.version ?? '',
    serverName: strangersWord(clientTls?.serverName ?? ''),
    alpn: strangersWord(clientTls?.alpn ?? ''),
  }
  return { line: accessLine(full), expected }
})

test('reads every line that the program writes, in chunks of any size', (t) => {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  fc.assert(
    fc.property(fc.array(written, { maxLength: 5 }), fc.integer({ min: 1, max: 300 }), (lines, size) => {
      const bytes = encoder.encode(lines.map(({ line }) => `${line}\n`).join(''))
      const parser = new TraceParser()
      for (let at = 0; at < bytes.length; at += size) parser.push(bytes.subarray(at, at + size))
      parser.finish()
      assert.equal(parser.malformed.count, 0, parser.malformed.problem)
      // UTF-16 surrogates without a partner are written as U+FFFD.
      assert.deepEqual(
        lines.map((_, i) => connectionOf(parser.trace, i)),
        lines.map(({ expected }) => JSON.parse(wellFormed(JSON.stringify(expected)))),
      )
    }),
    { seed },
  )
})

function wellFormed(json: string): string {
  return json.replace(/\\ud[89a-f][0-9a-f]{2}/g, '\uFFFD')
}

test('reads lines with the time of a syslog daemon or of the log on stderr', () => {
  const rest = withoutTime(LINE)
  for (const head of [
    '2026-11-22T12:41:03.471512+01:00 gate tcprelay[812]: ',
    '2026-11-22T12:41:03.471+0100 gate tcprelay[812]: ',
    '2026-11-22T11:41:03.471Z tcprelay[812] info: ',
  ]) {
    const { malformed, trace } = parse(`${head}${rest}\r\n`)
    assert.equal(malformed.count, 0, malformed.problem)
    assert.deepEqual(connectionOf(trace, 0), connectionOf(parse(LINE).trace, 0))
  }
})

test('counts malformed lines and describes the first one', () => {
  const { malformed, trace } = parse(`${LINE}\n\n${LINE}\nnonsense\n${LINE}`)
  assert.equal(trace.count, 3)
  assert.deepEqual(
    { ...malformed },
    { count: 2, firstLine: 2, problem: 'it does not begin with a time as in 2026-11-22T11:41:03.471Z' },
  )
})

test('says what is missing or wrong', () => {
  for (const [line, problem] of [
    [LINE.replace(' client=', ' klient='), "it has no field 'client'"],
    [LINE.replace('127.0.0.1:46224', 'somewhere'), "'client' is not an address with a port"],
    [LINE.replace(' listener=', ' '), "it has no field 'listener'"],
    [LINE.replace('0.021', '-1'), "'seconds' is not a number"],
    [LINE.replace(' seconds=0.021', ''), "'seconds' is not a number"],
    [LINE.replace('0.021', '99999999999999'), "'seconds' is not a number"],
    [LINE.replace(' end=', ' queued=long end='), "'queued' is not a number"],
    [LINE.replace('to_remote=78', 'to_remote=many'), "'to_remote' is not a number"],
    [LINE.replace('to_client=137', 'to_client='), "'to_client' is not a number"],
    [LINE.replace(' end=done', ''), "it has no field 'end'"],
  ] as const) {
    assert.equal(parse(`${line}\n`).malformed.problem, problem, line)
  }
})

test('skips lines of any length in constant memory', () => {
  const parser = new TraceParser()
  parser.push(encoder.encode(`${LINE}\n`))
  for (let i = 0; i < 100; i++) parser.push(new Uint8Array(10_000).fill(0x78))
  parser.push(encoder.encode(`x\n${LINE}\n`))
  parser.finish()
  assert.equal(parser.trace.count, 2)
  assert.deepEqual({ ...parser.malformed }, { count: 1, firstLine: 2, problem: 'it is too long' })
})

test('survives any bytes', (t) => {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  const change = fc.record({ at: fc.nat(LINE.length), cut: fc.nat(20), put: fc.uint8Array({ maxLength: 8 }) })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 4 }), fc.uint8Array(), (changes, noise) => {
      let line = encoder.encode(LINE)
      for (const { at, cut, put } of changes) {
        line = Uint8Array.from([...line.subarray(0, at), ...put, ...line.subarray(at + cut)])
      }
      const bytes = Uint8Array.from([...line, 0x0a, ...noise, 0x0a, ...encoder.encode(LINE)])
      const { malformed, trace } = parse(bytes)
      const lines = bytes.filter((byte) => byte === 0x0a).length + 1
      assert.equal(trace.count + malformed.count, lines)
      assert.ok(trace.count >= 1, 'the last line is whole')
      for (let i = 0; i < trace.count; i++) {
        const { lengthMs = -1, startMs = Number.NaN, toClient = -1, toRemote = -1 } = connectionOf(trace, i)
        assert.ok(Number.isSafeInteger(startMs) && Number.isSafeInteger(lengthMs) && lengthMs >= 0)
        assert.ok(toClient >= 0 && toRemote >= 0)
      }
    }),
    { seed, numRuns: 500 },
  )
})
