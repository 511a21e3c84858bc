/** The sources that ask over HTTP, against servers that send mutated answers. A failure prints the seed. */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { within } from '../../../test/harness/until.js'
import { ASKING, Reports, rawServer } from '../../../test/support/discovery.js'
import { hostAt } from '../json-members.js'
import type { FoundMember, Source, SourceEvents } from '../source.js'
import type { SourceTimes } from '../source-times.js'
import { openConsul } from './consul.js'
import { openEtcd } from './etcd.js'
import { openHttp } from './http.js'
import { openKubernetes } from './kubernetes.js'

const NO_PAUSE: SourceTimes = {
  retryFirstMs: 1,
  retryMaxMs: 1,
  gatherMs: 0,
  watchMinMs: 1,
  random: () => 0.5,
}
/** Until a source has reported so often, it has had answers of both kinds of requests. */
const REPORTS = 4

const base64 = (text: string) => Buffer.from(text).toString('base64')
const none = { user: undefined, passwordFile: undefined, tokenFile: undefined }
const asking = { ...ASKING, timeoutMs: 30, intervalMs: 3 }

interface Kind {
  readonly open: (url: string, events: SourceEvents) => Source
  /** The lines of an answer, and those of one to a watch. */
  readonly answers: readonly (readonly unknown[])[]
}

const header = { cluster_id: '7', revision: '9' }
const key = (name: string, value: string) => ({
  key: base64(`/w/${name}`),
  value: base64(value),
  mod_revision: '9',
})
const event = (name: string, value: string) => ({ result: { header, events: [{ kv: key(name, value) }] } })
const slice = (name: string, address: string) => ({
  metadata: { name, resourceVersion: '5' },
  ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
  endpoints: [{ addresses: [address], conditions: { ready: true }, targetRef: { name: 'a' } }],
})
const entry = (id: string) => ({
  Node: { Node: 'n', Address: '10.0.0.1' },
  Service: { ID: id, Address: '', Port: 80, Weights: { Passing: 1 } },
})

const KINDS: Readonly<Record<string, Kind>> = {
  http: {
    open: (url, events) => openHttp({ ...asking, ...none, type: 'http', url, headers: [] }, events, NO_PAUSE),
    answers: [[{ members: ['10.0.0.1:80', { name: 'b', address: '::1', port: 81, weight: 1, tier: 2 }] }]],
  },
  etcd: {
    open: (url, events) =>
      openEtcd({ ...asking, ...none, type: 'etcd', endpoints: [url], prefix: '/w/' }, events, NO_PAUSE),
    answers: [
      [{ header, kvs: [key('a', '10.0.0.1:80'), key('b', '{"address":"h","port":1}')] }],
      [
        { result: { header, created: true } },
        event('c', 'h:2'),
        { result: { header, events: [{ type: 'DELETE', kv: key('a', '') }] } },
      ],
    ],
  },
  consul: {
    open: (url, events) =>
      openConsul(
        {
          ...asking,
          ...none,
          type: 'consul',
          url,
          service: 'w',
          tag: undefined,
          datacenter: undefined,
          waitMs: 1,
        },
        events,
        NO_PAUSE,
      ),
    answers: [[[entry('a'), entry('b')]]],
  },
  kubernetes: {
    open: (url, events) =>
      openKubernetes(
        { ...asking, ...none, type: 'kubernetes', url, namespace: 'n', service: 'w', port: 'http' },
        events,
        NO_PAUSE,
      ),
    answers: [
      [{ kind: 'EndpointSliceList', metadata: { resourceVersion: '4' }, items: [slice('s', '10.0.0.1')] }],
      [
        { type: 'ADDED', object: slice('t', 'fd00::1') },
        { type: 'BOOKMARK', object: { metadata: { resourceVersion: '6' } } },
        { type: 'DELETED', object: slice('s', '10.0.0.1') },
      ],
    ],
  },
}

/** A part of the whole, all equally likely. */
const place = fc.noBias(fc.integer({ min: 0, max: 999 })).map((n) => n / 1_000)
/** Values that mean something somewhere, and any others. */
const leaf = fc.oneof(
  fc.constantFrom<unknown>(
    0,
    1,
    -1,
    65_536,
    '',
    '0',
    '10.0.0.1',
    '::',
    'a b',
    null,
    true,
    {},
    [],
    'PUT',
    410,
  ),
  fc.jsonValue({ maxDepth: 1 }),
)
const mutation = fc.record({ at: place, by: leaf })
const oneByte = fc.record({ at: place, by: fc.integer({ min: 0, max: 255 }) })
const bytes = fc.oneof(
  { weight: 4, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(oneByte, { maxLength: 2 }) },
)
const index = fc.constantFrom('1', '2', '3', '0', '5', '-', '99999999999999999999')
const answer = fc.record({
  status: fc.constantFrom(...Array<string>(8).fill('200 OK'), '503 No', '304 Same', '302 Gone', '410 Gone'),
  index,
  mutations: fc.array(mutation, { maxLength: 2 }),
  bytes,
  cut: fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: place }),
})

type Answer = typeof answer extends fc.Arbitrary<infer T> ? T : never

/** With one of its values replaced, counted from the outside in. */
function mutated(value: unknown, { at, by }: { readonly at: number; readonly by: unknown }): unknown {
  let left = Math.floor(at * sizeOf(value))
  const replaced = (node: unknown): unknown => {
    if (left-- === 0) return by
    if (Array.isArray(node)) return node.map(replaced)
    if (typeof node !== 'object' || node === null) return node
    return Object.fromEntries(Object.entries(node).map(([name, item]) => [name, replaced(item)]))
  }
  return replaced(value)
}

function sizeOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce<number>((sum, item) => sum + sizeOf(item), 1)
}

function bytesOf({ bytes, cut, index, mutations, status }: Answer, lines: readonly unknown[]): Buffer {
  const body = (mutations.reduce<unknown>(mutated, lines) as unknown[] | null) ?? []
  const text = (Array.isArray(body) ? body : [body]).map((line) => `${JSON.stringify(line)}\n`).join('')
  const all = Buffer.from(`HTTP/1.1 ${status}\r\nX-Consul-Index: ${index}\r\nETag: "1"\r\n\r\n${text}`)
  for (const { at, by } of bytes) all[Math.floor(at * all.length)] = by
  return cut === null ? all : all.subarray(0, Math.floor(cut * all.length))
}

function assertSound(reports: Reports): void {
  for (const text of reports.problems) {
    assert.doesNotMatch(text, /internal error|[\x00-\x1f\x7f]/)
    assert.ok(text.length > 0 && text.length < 1_000, text)
  }
  for (const members of reports.answers) {
    assert.equal(new Set(members.map(({ name }) => name)).size, members.length)
    members.forEach(assertMember)
  }
}

function assertMember({ hosts, name, port, tier = 0, weight = 0 }: FoundMember): void {
  assert.ok(name.length > 0 && hosts.length > 0)
  for (const host of hosts) assert.equal(hostAt(host, 'host'), host)
  for (const number of [port, tier, weight])
    assert.ok(Number.isInteger(number) && number >= 0 && number < 65_536)
  assert.ok(port > 0)
}

async function run(t: TestContext, { answers, open }: Kind): Promise<void> {
  let serve = (_socket: Socket) => {}
  const server = await rawServer((socket) => serve(socket))
  t.after(() => server.close())
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 4 }), async (script) => {
      let count = 0
      serve = (socket) =>
        void socket.once('data', (request: Buffer) => {
          const [first = [], second = []] = answers
          const lines = /watch/.test(request.toString('latin1')) ? second : first
          const given = script[count % script.length]
          count++
          if (given !== undefined) socket.end(bytesOf(given, lines))
        })
      const reports = new Reports()
      const enough = new Promise<void>((resolve) => {
        reports.onReport = () => {
          if (reports.kinds.length >= REPORTS) resolve()
        }
      })
      const source = open(`http://127.0.0.1:${server.port}`, reports)
      await within('reports', enough)
      source.close()
      assertSound(reports)
      const { length } = reports.kinds
      await new Promise((resolve) => setImmediate(resolve))
      assert.equal(reports.kinds.length, length)
    }),
    { numRuns: RUNS },
  )
}

/** Each of them takes some 20 ms. */
const RUNS = 30

for (const [name, kind] of Object.entries(KINDS)) {
  test(`${name}: whatever a server sends, there are sound answers and problems only`, (t) => run(t, kind))
}
