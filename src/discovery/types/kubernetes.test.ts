/** The server is scripted after the documentation of Kubernetes (api-concepts; EndpointSlice of discovery.k8s.io/v1). */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { afterwards, temporaryFolder } from '../../../test/harness/clean-up.js'
import { until } from '../../../test/harness/until.js'
import { makeIdentity } from '../../../test/support/certificates.js'
import {
  ASKING,
  FAST,
  json,
  NEVER_MS,
  opened,
  type ScriptedServer,
  scriptedServer,
  withoutPlace,
} from '../../../test/support/discovery.js'
import type { KubernetesPlan } from '../discover-plan.js'
import { openKubernetes } from './kubernetes.js'

let version = 100

interface Given {
  readonly ports?: readonly object[] | null
  readonly addressType?: string
}

const HTTP = { name: 'http', port: 8080, protocol: 'TCP' }

function slice(
  name: string,
  endpoints: readonly object[] | null,
  { ports = [HTTP], addressType = 'IPv4' }: Given = {},
) {
  version++
  return {
    metadata: { name, namespace: 'ns', resourceVersion: String(version) },
    addressType,
    endpoints,
    ports,
  }
}

function pod(name: string, address: string, conditions: object | undefined = { ready: true }) {
  return { addresses: [address], conditions, targetRef: { kind: 'Pod', name } }
}

function listOf(...items: object[]) {
  version++
  return { kind: 'EndpointSliceList', metadata: { resourceVersion: String(version) }, items }
}

interface FakeApi extends ScriptedServer {
  list: unknown
  watch: ServerResponse | undefined
  /** The queries of the watches. */
  readonly watches: URLSearchParams[]
  say(type: string, object: object): void
}

async function fakeApi(t: TestContext, list: unknown): Promise<FakeApi> {
  const server = await scriptedServer(t, (request, response, body) => {
    const { searchParams } = new URL(request.url ?? '', 'http://x')
    if (searchParams.get('watch') === null) {
      json(api.list)(request, response, body)
      return
    }
    api.watches.push(searchParams)
    api.watch = response
    response.writeHead(200).flushHeaders()
  })
  const api: FakeApi = Object.assign(server, {
    list,
    watch: undefined,
    watches: [],
    say(type: string, object: object) {
      api.watch?.write(`${JSON.stringify({ type, object })}\n`)
    },
  })
  return api
}

function watched(t: TestContext, url: string, other: Partial<KubernetesPlan> = {}) {
  const plan: KubernetesPlan = {
    ...ASKING,
    type: 'kubernetes',
    url,
    tokenFile: undefined,
    namespace: 'ns',
    service: 'web',
    port: undefined,
    intervalMs: NEVER_MS,
    ...other,
  }
  return opened(t, (events) => openKubernetes(plan, events, FAST))
}

async function started(t: TestContext, list: unknown, other: Partial<KubernetesPlan> = {}) {
  const api = await fakeApi(t, list)
  const reports = watched(t, api.url, other)
  await reports.answered(1)
  await until('the watch', () => api.watch !== undefined)
  return { api, reports }
}

test('lists the slices of a service, and watches from the version of the list', async (t) => {
  const list = listOf(slice('s1', [pod('a', '10.0.0.1'), pod('b', '10.0.0.2')]))
  const { api, reports } = await started(t, list)
  assert.equal(reports.members, 'a 10.0.0.1:8080, b 10.0.0.2:8080')
  const path = 'GET /apis/discovery.k8s.io/v1/namespaces/ns/endpointslices'
  assert.equal(api.requests[0], `${path}?labelSelector=kubernetes.io%2Fservice-name%3Dweb`)
  assert.deepEqual(Object.fromEntries(api.watches[0] ?? []), {
    labelSelector: 'kubernetes.io/service-name=web',
    watch: '1',
    resourceVersion: list.metadata.resourceVersion,
    allowWatchBookmarks: 'true',
    timeoutSeconds: '300',
  })
})

test('slices come, change and go', async (t) => {
  const { api, reports } = await started(t, listOf())
  assert.equal(reports.members, '')
  api.say('ADDED', slice('s1', [pod('a', '10.0.0.1')]))
  await reports.has('a 10.0.0.1:8080')
  api.say(
    'ADDED',
    slice('s2', [
      pod('b', '10.0.0.2'),
      pod('c', '10.0.0.3', { ready: false, serving: true, terminating: true }),
    ]),
  )
  await reports.has('a 10.0.0.1:8080, b 10.0.0.2:8080')
  // Moved to the other slice: for a moment it is in both.
  api.say('MODIFIED', slice('s2', [pod('b', '10.0.0.2'), pod('a', '10.0.0.1')]))
  api.say('MODIFIED', slice('s1', null))
  api.say('MODIFIED', slice('s3', [pod('d', '10.0.0.4', undefined)]))
  await reports.has('a 10.0.0.1:8080, b 10.0.0.2:8080, d 10.0.0.4:8080')
  api.say('DELETED', slice('s2', [pod('b', '10.0.0.2')]))
  await reports.has('d 10.0.0.4:8080')
  assert.deepEqual(reports.problems, [])
})

test('an endpoint of two families is one member, and one without a pod has its address as name', async (t) => {
  const list = listOf(
    slice('v6', [pod('a', 'fd00::1')], { addressType: 'IPv6' }),
    slice('v4', [pod('a', '10.0.0.1'), { addresses: ['10.0.0.9', '10.0.0.8'] }]),
    slice('fqdn', [{ addresses: ['db.example.com'] }], { addressType: 'FQDN' }),
  )
  const { reports } = await started(t, list)
  const expected = '10.0.0.9 10.0.0.9:8080, a 10.0.0.1+fd00::1:8080, db.example.com db.example.com:8080'
  assert.equal(reports.members, expected)
})

test('the port is chosen by name or number, in each slice', async (t) => {
  const admin = { name: 'admin', port: 9000, protocol: 'TCP' }
  const dns = { name: 'http', port: 53, protocol: 'UDP' }
  const list = listOf(
    slice('s1', [pod('a', '10.0.0.1')], { ports: [dns, HTTP, admin] }),
    slice('s2', [pod('b', '10.0.0.2')], { ports: [{ ...HTTP, port: 8081 }] }),
  )
  const api = await fakeApi(t, list)
  const has = async (port: string | number | undefined, members: string) => {
    const reports = watched(t, api.url, { port })
    await reports.has(members)
    assert.deepEqual(reports.problems, [])
  }
  await has('http', 'a 10.0.0.1:8080, b 10.0.0.2:8081')
  await has('admin', 'a 10.0.0.1:9000')
  await has(8081, 'b 10.0.0.2:8081')
  // Those without a choice.
  await has(undefined, 'b 10.0.0.2:8081')
  const problem = async (port: string | number | undefined) => {
    const reports = watched(t, api.url, { port })
    const text = await reports.troubled()
    assert.deepEqual(reports.answers, [])
    return text
  }
  assert.equal(
    await problem('https'),
    'the service has no TCP port https, only http = 8080, admin = 9000, http = 8081',
  )
  api.list = listOf(slice('s1', [pod('a', '10.0.0.1')], { ports: [HTTP, admin] }))
  assert.equal(
    await problem(undefined),
    "'port' has to say which one: the TCP ports of the service are http = 8080, admin = 9000",
  )
  // A headless service without ports.
  api.list = listOf(slice('s1', [pod('a', '10.0.0.1')], { ports: null }))
  await has(5432, 'a 10.0.0.1:5432')
  assert.equal(await problem('http'), 'the service has no TCP port http, only none')
})

test('resumes a watch that the server has ended or lost, from the last version or bookmark', async (t) => {
  const { api, reports } = await started(t, listOf(slice('s1', [pod('a', '10.0.0.1')])))
  const bookmark = { kind: 'EndpointSlice', metadata: { resourceVersion: '7000' } }
  // An ordinary end, after the shortest time that a watch has to last.
  await new Promise((resolve) => setTimeout(resolve, 2 * FAST.watchMinMs))
  api.say('BOOKMARK', bookmark)
  api.watch?.end()
  await until('the second watch', () => api.watches.length === 2)
  assert.equal(api.watches[1]?.get('resourceVersion'), '7000')
  assert.deepEqual(reports.kinds, ['answer'])
  api.disconnect()
  await until('the third watch', () => api.watches.length === 3)
  assert.equal(api.watches[2]?.get('resourceVersion'), '7000')
  await reports.answered(2)
  assert.deepEqual(reports.problems.map(withoutPlace), [
    'PLACE: it closed the connection before the end of its answer',
  ])
  // The list was asked for only once.
  assert.equal(api.requests.length, 4)
})

test('lists again after 410, as a status and as an event', async (t) => {
  const { api, reports } = await started(t, listOf(slice('s1', [pod('a', '10.0.0.1')])))
  // A server that forgets at once would be asked again only after a pause.
  const outlast = () => new Promise((resolve) => setTimeout(resolve, 2 * FAST.watchMinMs))
  await outlast()
  api.list = listOf(slice('s1', [pod('b', '10.0.0.2')]))
  api.say('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' })
  await reports.has('b 10.0.0.2:8080')
  await until('the second watch', () => api.watches.length === 2)
  await outlast()
  const { handle } = api
  const gone = json({ kind: 'Status', code: 410, message: 'gone' }, {}, 410)
  api.handle = (request, response, body) => {
    api.handle = handle
    gone(request, response, body)
  }
  api.list = listOf(slice('s1', [pod('c', '10.0.0.3')]))
  api.watch?.end()
  await reports.has('c 10.0.0.3:8080')
  assert.deepEqual(reports.problems, [])
  api.handle = (request, response, body) => {
    if (request.url?.includes('watch=1')) gone(request, response, body)
    else handle(request, response, body)
  }
  api.disconnect()
  await reports.troubled(3)
  assert.match(withoutPlace(reports.problems.at(-1) ?? ''), /^PLACE: HTTP 410: "gone"$/)
})

test('a change right before the end of a watch is reported', async (t) => {
  const { api, reports } = await started(t, listOf(slice('s1', [pod('a', '10.0.0.1')])))
  await new Promise((resolve) => setTimeout(resolve, 2 * FAST.watchMinMs))
  api.say('MODIFIED', slice('s1', [pod('b', '10.0.0.2')]))
  api.watch?.end()
  await reports.has('b 10.0.0.2:8080')
  assert.deepEqual(reports.problems, [])
})

test('an event that makes no sense leaves the members as they are, and all is listed again', async (t) => {
  const { api, reports } = await started(t, listOf(slice('s1', [pod('a', '10.0.0.1')])))
  const problem = async (text: string) => {
    await until('a watch', () => api.watch?.writable === true)
    const before = reports.problems.length
    const { length } = reports.answers
    api.watch?.write(`${text}\n`)
    await until('a problem', () => reports.problems.length > before)
    assert.equal(reports.members, 'a 10.0.0.1:8080')
    await reports.answered(length + 1)
    return withoutPlace(reports.problems[before] ?? '').replace(/^PLACE: /, '')
  }
  const event = (type: string, object: unknown) => problem(JSON.stringify({ type, object }))
  assert.equal(await problem('{'), 'a line of the answer is not valid JSON: "{"')
  assert.equal(await event('ADDED', 1), 'object: expected an object, but got 1')
  assert.equal(await event('ADDED', {}), 'metadata: expected an object')
  const metadata = { name: 's1', resourceVersion: '5' }
  assert.equal(await event('MOVED', { metadata }), 'an event of the unknown type "MOVED"')
  assert.equal(
    await event('ERROR', { code: 500, message: 'etcd is down' }),
    'the watch failed: "etcd is down"',
  )
  const bad = { metadata, endpoints: [{ addresses: [] }] }
  assert.equal(
    await event('MODIFIED', bad),
    'slice s1: endpoints[0].addresses[0]: expected an IP address or a host name',
  )
  const badPort = { metadata, ports: [{ port: 70_000 }] }
  assert.equal(await event('MODIFIED', badPort), 'slice s1: ports[0].port: expected 1 … 65535, but got 70000')
})

test('a list that is none is a problem', async (t) => {
  const api = await fakeApi(t, '')
  const problem = async (list: unknown, status = 200) => {
    api.handle = json(list, {}, status)
    const reports = watched(t, api.url)
    const text = withoutPlace(await reports.troubled())
    reports.source.close()
    assert.deepEqual(reports.answers, [])
    return text
  }
  assert.equal(await problem({ kind: 'Status', message: 'forbidden' }, 403), 'PLACE: HTTP 403: "forbidden"')
  assert.equal(await problem({}), 'an answer of the kind undefined instead of EndpointSliceList')
  const kind = 'EndpointSliceList'
  assert.equal(await problem({ kind }), 'metadata: expected an object')
  assert.equal(
    await problem({ kind, metadata: { resourceVersion: '' } }),
    'metadata.resourceVersion is empty',
  )
  assert.equal(
    await problem({ kind, metadata: { resourceVersion: '1' }, items: [{}] }),
    'items[0].metadata: expected an object',
  )
})

test('in a pod: the service account, with a token that is replaced', async (t) => {
  const authority = makeIdentity({ name: 'CA', isAuthority: true })
  const own = makeIdentity({ name: 'kubernetes', alternativeNames: ['127.0.0.1'], issuer: authority })
  const seen: (readonly [string | undefined, string | undefined])[] = []
  const server = createServer({ key: own.keyPem, cert: own.pem }, (request: IncomingMessage, response) => {
    seen.push([request.headers.authorization, request.url])
    if (request.url?.includes('watch=1')) response.writeHead(200).flushHeaders()
    else response.end(JSON.stringify(listOf(slice('s1', [pod('a', '10.0.0.1')]))))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  afterwards(t, () => {
    server.closeAllConnections()
    server.close()
  })
  const accountFolder = join(temporaryFolder(t), 'account')
  mkdirSync(accountFolder)
  writeFileSync(join(accountFolder, 'ca.crt'), authority.pem)
  writeFileSync(join(accountFolder, 'namespace'), 'prod')
  const { port } = server.address() as AddressInfo
  const environment = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) }
  const plan: KubernetesPlan = {
    ...ASKING,
    type: 'kubernetes',
    url: undefined,
    tokenFile: undefined,
    namespace: undefined,
    service: 'web',
    port: 'http',
    intervalMs: NEVER_MS,
  }
  const outside = opened(t, (events) =>
    openKubernetes(plan, events, FAST, { environment: {}, accountFolder }),
  )
  assert.match(
    await outside.troubled(),
    /^no 'url', and no KUBERNETES_SERVICE_HOST and _PORT in the environment$/,
  )
  const reports = opened(t, (events) => openKubernetes(plan, events, FAST, { environment, accountFolder }))
  assert.match(await reports.troubled(), /^cannot read .*\/account\/token: no such file or directory$/)
  writeFileSync(join(accountFolder, 'token'), 'first')
  await reports.has('a 10.0.0.1:8080')
  writeFileSync(join(accountFolder, 'token'), 'second')
  reports.source.askAgain()
  await until('the new token', () => seen.at(-1)?.[0] === 'Bearer second')
  assert.equal(seen[0]?.[0], 'Bearer first')
  assert.match(seen[0]?.[1] ?? '', /\/namespaces\/prod\/endpointslices/)
})
