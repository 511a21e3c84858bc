/** The server is scripted after the documentation of etcd 3.4 (gRPC gateway, api_reference_v3). */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { until } from '../../../test/harness/until.js'
import {
  ASKING,
  FAST,
  type Handle,
  json,
  NEVER_MS,
  opened,
  type ScriptedServer,
  SOON_MS,
  scriptedServer,
  withoutPlace,
} from '../../../test/support/discovery.js'
import type { EtcdPlan } from '../discover-plan.js'
import { openEtcd } from './etcd.js'

const base64 = (text: string) => Buffer.from(text).toString('base64')

const headerOf = (revision: number, cluster = '7') => ({
  cluster_id: cluster,
  member_id: '1',
  ...(revision === 0 ? {} : { revision: String(revision) }),
})

const kv = (key: string, value: string, revision: number) => ({
  key: base64(`/w/${key}`),
  value: base64(value),
  mod_revision: String(revision),
})

const put = (key: string, value: string, revision: number) => ({ kv: kv(key, value, revision) })
const gone = (key: string, revision: number) => ({
  type: 'DELETE',
  kv: { key: base64(`/w/${key}`), mod_revision: String(revision) },
})

/** A server with one watch at a time, which the test writes. */
interface FakeEtcd extends ScriptedServer {
  range: unknown
  /** What the watches asked for. */
  readonly creates: Record<string, unknown>[]
  watch: ServerResponse | undefined
  /** The header of the first message of a watch. */
  created: object
  say(result: object): void
}

async function fakeEtcd(t: TestContext, range: unknown, created: object): Promise<FakeEtcd> {
  const handle: Handle = (request, response, body) => {
    if (request.url !== '/v3/watch') {
      json(fake.range)(request, response, body)
      return
    }
    fake.creates.push(JSON.parse(body).create_request)
    fake.watch = response
    response.writeHead(200)
    fake.say({ header: fake.created, created: true })
  }
  const server = await scriptedServer(t, handle)
  const fake: FakeEtcd = Object.assign(server, {
    range,
    creates: [],
    watch: undefined,
    created,
    say(result: object) {
      fake.watch?.write(`${JSON.stringify({ result })}\n`)
    },
  })
  return fake
}

const RANGE = { header: headerOf(9), kvs: [kv('a', '10.0.0.1:80', 5)] }

function watched(t: TestContext, endpoints: readonly string[], other: Partial<EtcdPlan> = {}) {
  const none = { user: undefined, passwordFile: undefined }
  const plan: EtcdPlan = {
    ...ASKING,
    type: 'etcd',
    endpoints,
    prefix: '/w/',
    ...none,
    intervalMs: NEVER_MS,
    ...other,
  }
  return opened(t, (events) => openEtcd(plan, events, FAST))
}

async function started(t: TestContext) {
  const server = await fakeEtcd(t, RANGE, headerOf(9))
  const reports = watched(t, [server.url])
  await reports.has('a 10.0.0.1:80')
  await until('the watch', () => server.watch !== undefined)
  return { server, reports }
}

test('reads the prefix at a revision, and watches from the next one', async (t) => {
  const { reports, server } = await started(t)
  assert.deepEqual(server.requests, ['POST /v3/kv/range', 'POST /v3/watch'])
  const range = { key: base64('/w/'), range_end: base64('/w0') }
  assert.deepEqual(server.creates, [{ ...range, start_revision: '10', progress_notify: true }])
  server.say({ header: headerOf(12), events: [put('b', '10.0.0.2:80', 11), gone('a', 12)] })
  await reports.has('b 10.0.0.2:80')
  // A message in pieces, and two in one.
  const line = JSON.stringify({ result: { header: headerOf(13), events: [put('c', 'h:1', 13)] } })
  const next = JSON.stringify({ result: { header: headerOf(14), events: [put('c', 'h:2', 14)] } })
  server.watch?.write(line.slice(0, 20))
  await new Promise((resolve) => setImmediate(resolve))
  server.watch?.write(`${line.slice(20)}\n${next}\n`)
  await reports.has('b 10.0.0.2:80, c h:2')
  assert.deepEqual(reports.problems, [])
})

test('resumes a lost watch by revision, without reading all keys', async (t) => {
  const { reports, server } = await started(t)
  // The revision of the message is ahead of its events: more of them follow.
  server.say({ header: headerOf(20), events: [put('b', 'b:1', 11)] })
  await reports.has('a 10.0.0.1:80, b b:1')
  server.created = headerOf(20)
  server.disconnect()
  assert.equal(
    withoutPlace(await reports.troubled()),
    'PLACE: it closed the connection before the end of its answer',
  )
  await until('the second watch', () => server.creates.length === 2)
  assert.equal(server.creates[1]?.start_revision, '12')
  // The same members: that the server watches again is an answer.
  await reports.answered(3)
  server.say({ header: headerOf(20), events: [gone('a', 20)] })
  await reports.has('b b:1')
  // A progress notification: no change of the prefix up to this revision.
  server.say({ header: headerOf(30) })
  server.created = headerOf(30)
  server.watch?.end()
  await until('the third watch', () => server.creates.length === 3)
  assert.equal(server.creates[2]?.start_revision, '31')
  assert.equal(server.requests.filter((text) => text.endsWith('range')).length, 1)
})

test('reads all keys again when changes are compacted, or the server has gone back', async (t) => {
  const { reports, server } = await started(t)
  server.range = { header: headerOf(50), kvs: [kv('c', 'c:1', 50)] }
  server.created = headerOf(50)
  // After the shortest time that a watch has to last.
  await new Promise((resolve) => setTimeout(resolve, 2 * FAST.watchMinMs))
  server.say({ header: headerOf(0), canceled: true, compact_revision: '40' })
  await reports.has('c c:1')
  assert.deepEqual(reports.problems, [])
  await until('the next watch', () => server.creates.length === 2)
  for (const [header, member] of [
    [headerOf(3), 'restored:1'],
    [headerOf(60, '8'), 'other:1'],
  ] as const) {
    server.range = { header, kvs: [kv('c', member, 3)] }
    server.created = header
    server.disconnect()
    await reports.has(`c ${member}`)
  }
})

test('a watch that fails leaves the members as they are', async (t) => {
  const { reports, server } = await started(t)
  let count = 0
  const problemAfter = async (act: (response: ServerResponse) => void) => {
    await until('a watch', () => server.watch?.writable === true)
    const before = reports.problems.length
    const { length } = reports.answers
    act(server.watch as ServerResponse)
    await until('a problem', () => reports.problems.length > before)
    assert.equal(reports.members, 'a 10.0.0.1:80', `after failure ${++count}`)
    const text = reports.problems[before] ?? ''
    await reports.answered(length + 1)
    return withoutPlace(text)
  }
  const says = (text: string) => problemAfter((response) => void response.write(`${text}\n`))
  assert.equal(await problemAfter((response) => response.end()), 'the server has ended the watch')
  assert.match(
    await problemAfter((response) => response.end('{"result":')),
    /is not valid JSON: "\{"result":"$/,
  )
  assert.equal(await says('x'), 'PLACE: a line of the answer is not valid JSON: "x"')
  assert.equal(await says('[]'), 'PLACE: a line of the watch: expected an object, but got an array')
  assert.equal(await says('{}'), 'PLACE: result: expected an object')
  assert.equal(await says('{"result":{}}'), 'PLACE: header: expected an object')
  const error = '{"error":{"grpc_code":14,"message":"etcdserver: no leader"}}'
  assert.equal(await says(error), 'PLACE: the watch failed: "etcdserver: no leader"')
  const canceled = { header: headerOf(9), canceled: true, cancel_reason: 'no' }
  assert.equal(
    await says(JSON.stringify({ result: canceled })),
    'PLACE: the server has cancelled the watch: "no"',
  )
  const events = (...list: unknown[]) =>
    says(JSON.stringify({ result: { header: headerOf(10), events: list } }))
  assert.equal(await events(1), 'PLACE: an event: expected an object, but got 1')
  assert.equal(
    await events({ type: 'MOVE', ...put('x', 'x:1', 10) }),
    'PLACE: an event of another type than PUT and DELETE',
  )
  assert.equal(await events({ kv: { key: '*' } }), 'PLACE: kv.key: expected base64, but got "*"')
  const flood = (response: ServerResponse) => void response.write('x'.repeat(17 * 1024 * 1024))
  assert.equal(await problemAfter(flood), 'PLACE: a line of more than 16 MiB')
})

test('an answer to the range that is none is a problem', async (t) => {
  const server = await fakeEtcd(t, '', headerOf(9))
  const problem = async (range: unknown) => {
    server.range = range
    const reports = watched(t, [server.url])
    const text = withoutPlace(await reports.troubled())
    reports.source.close()
    assert.deepEqual(reports.answers, [])
    return text
  }
  assert.equal(await problem('{}'), 'header: expected an object')
  assert.equal(await problem({ header: {} }), 'an answer without a revision: it is not from etcd')
  assert.equal(await problem({ header: { revision: '-1' } }), 'revision: expected a number, but got "-1"')
  assert.equal(await problem({ header: headerOf(1), kvs: {} }), 'kvs: expected an array, but got an object')
  assert.equal(await problem({ header: headerOf(1), kvs: [1] }), 'kvs[0]: expected an object, but got 1')
})

test('an empty prefix of the server is an answer, and all bytes of a prefix count', async (t) => {
  const server = await fakeEtcd(t, { header: headerOf(1) }, headerOf(1))
  const reports = watched(t, [server.url], { prefix: 'a\u{10ffff}' })
  await reports.has('')
  await until('the watch', () => server.creates.length === 1)
  const end = Buffer.from([0x61, 0xf4, 0x8f, 0xbf, 0xc0]).toString('base64')
  assert.equal(server.creates[0]?.range_end, end)
})

test('asks the endpoints in turn, and reports a problem when none answers', async (t) => {
  const [bad, good] = [await fakeEtcd(t, RANGE, headerOf(9)), await fakeEtcd(t, RANGE, headerOf(9))]
  bad.handle = json('', {}, 503)
  const reports = watched(t, [bad.url, good.url])
  await reports.has('a 10.0.0.1:80')
  await until('the watch', () => good.creates.length === 1)
  assert.deepEqual(reports.problems, [])
  good.handle = json('{"error":"etcdserver: no leader"}', {}, 500)
  good.disconnect()
  await reports.troubled(2)
  const both = 'PLACE: HTTP 503; PLACE: HTTP 500: "etcdserver: no leader"'
  const other = 'PLACE: HTTP 500: "etcdserver: no leader"; PLACE: HTTP 503'
  await until('both', () => [both, other].includes(withoutPlace(reports.problems.at(-1) ?? '')))
})

test('reads all keys again at the interval, and on request', async (t) => {
  const server = await fakeEtcd(t, RANGE, headerOf(9))
  const often = watched(t, [server.url], { intervalMs: SOON_MS })
  await often.answered(3)
  // As a watch that has died without a word: no event is sent.
  server.range = { header: headerOf(10), kvs: [] }
  server.created = headerOf(10)
  await often.has('')
  often.source.close()
  assert.deepEqual(often.problems, [])
  server.range = RANGE
  const reports = watched(t, [server.url])
  await reports.answered(1)
  reports.source.askAgain()
  await reports.answered(2)
  assert.deepEqual(reports.problems, [])
})
