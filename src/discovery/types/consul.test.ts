/** The server is scripted after the documentation of Consul (api-docs/health, api-docs/features/blocking). */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { fileWith } from '../../../test/harness/tls.js'
import { until } from '../../../test/harness/until.js'
import {
  ASKING,
  FAST,
  type Handle,
  json,
  opened,
  scriptedServer,
  withoutPlace,
} from '../../../test/support/discovery.js'
import type { ConsulPlan } from '../discover-plan.js'
import { openConsul } from './consul.js'

function entry(id: string, address: string, port: number, more: object = {}) {
  return {
    Node: { ID: 'x', Node: 'n1', Address: '10.0.0.1', Datacenter: 'dc1' },
    Service: { ID: id, Service: 'web', Tags: [], Address: address, Port: port, ...more },
    Checks: [],
  }
}

/** Holds blocking queries back until the index changes, as an agent does. */
async function fakeConsul(t: TestContext) {
  const held = new Set<ServerResponse>()
  const state = { index: 10, entries: [entry('web1', '', 80)] as unknown }
  const answer = (response: ServerResponse) => {
    response.writeHead(200, { 'X-Consul-Index': String(state.index) }).end(JSON.stringify(state.entries))
  }
  const handle: Handle = (request, response) => {
    const index = new URL(request.url ?? '', 'http://x').searchParams.get('index')
    if (index === String(state.index)) held.add(response)
    else answer(response)
  }
  const server = await scriptedServer(t, handle)
  const release = () => {
    for (const response of held) answer(response)
    held.clear()
  }
  const change = (entries: unknown, index = state.index + 1) => {
    Object.assign(state, { entries, index })
    release()
  }
  return { server, change, release, held, handle }
}

function watched(t: TestContext, url: string, other: Partial<ConsulPlan> = {}) {
  const none = { tag: undefined, datacenter: undefined, tokenFile: undefined }
  const plan: ConsulPlan = {
    ...ASKING,
    type: 'consul',
    url,
    service: 'web',
    ...none,
    waitMs: 60_000,
    ...other,
  }
  return opened(t, (events) => openConsul(plan, events, FAST))
}

test('follows a service by blocking queries', async (t) => {
  const consul = await fakeConsul(t)
  const reports = watched(t, consul.server.url)
  await reports.has('n1/web1 10.0.0.1:80')
  await until('a blocking query', () => consul.held.size === 1)
  const path = 'GET /v1/health/service/web?passing=1'
  assert.deepEqual(consul.server.requests, [path, `${path}&index=10&wait=60000ms`])
  const weights = { Weights: { Passing: 7, Warning: 1 } }
  consul.change([entry('web1', '', 80), entry('web2', '10.0.0.2', 81, weights)])
  await reports.has('n1/web1 10.0.0.1:80, n1/web2 10.0.0.2:81')
  assert.deepEqual(
    reports.answers.at(-1)?.map(({ weight }) => weight),
    [undefined, 7],
  )
  await until('the next query', () => consul.held.size === 1)
  // The wait is over, and nothing has changed: the same answer again.
  const { length } = reports.answers
  consul.release()
  await reports.answered(length + 1)
  consul.change([])
  await reports.has('')
  assert.deepEqual(reports.problems, [])
})

test('an index that goes back is asked for anew, and one of 0 is 1', async (t) => {
  const consul = await fakeConsul(t)
  const reports = watched(t, consul.server.url)
  await until('a blocking query', () => consul.held.size === 1)
  consul.change([entry('restored', '', 80)], 3)
  await reports.has('n1/restored 10.0.0.1:80')
  await until('the next query', () => consul.held.size === 1)
  const indexes = () => consul.server.requests.map((text) => /index=(\d+)/.exec(text)?.[1])
  assert.deepEqual(indexes(), [undefined, '10', undefined, '3'])
  consul.change([], 0)
  await reports.has('')
  await until('the index 1', () => indexes().at(-1) === '1')
  assert.deepEqual(reports.problems, [])
})

test('asks for tag and datacenter, with a token, and names are quoted', async (t) => {
  const seen: unknown[] = []
  const server = await scriptedServer(t, (request, response, body) => {
    seen.push(request.headers['x-consul-token'])
    json([], { 'X-Consul-Index': '1' })(request, response, body)
  })
  const token = { tokenFile: fileWith(t, 'geheim\n') }
  const reports = watched(t, server.url, { service: 'a/b', tag: 'v&1', datacenter: 'dc 2', ...token })
  await reports.answered(1)
  assert.equal(server.requests[0], 'GET /v1/health/service/a%2Fb?passing=1&dc=dc+2&tag=v%261')
  assert.deepEqual(seen[0], 'geheim')
})

test('a server that answers at once, whatever the index is, is not asked in a busy loop', async (t) => {
  const server = await scriptedServer(t, json([], { 'X-Consul-Index': '5' }))
  const begunAtMs = performance.now()
  const reports = watched(t, server.url)
  await reports.answered(6)
  // Four of them came without news.
  assert.ok(performance.now() - begunAtMs > 4 * FAST.watchMinMs)
})

test('an answer that is none is a problem, and the index is asked for anew', async (t) => {
  const consul = await fakeConsul(t)
  const reports = watched(t, consul.server.url)
  await until('a blocking query', () => consul.held.size === 1)
  const problem = async (value: unknown, headers = { 'X-Consul-Index': '99' }, status = 200) => {
    const before = reports.problems.length
    consul.server.handle = json(value, headers as Record<string, string>, status)
    consul.server.disconnect()
    // The first one is that of the connection, unless it was already asking again.
    await until('problems', () => reports.problems.length > before + 2)
    assert.equal(reports.members, 'n1/web1 10.0.0.1:80')
    return withoutPlace(reports.problems.at(-1) ?? '')
  }
  const noIndex = {} as { 'X-Consul-Index': string }
  const notConsul = 'an answer without X-Consul-Index: it is not from Consul'
  assert.equal(await problem([], noIndex), notConsul)
  assert.equal(await problem([], { 'X-Consul-Index': '-1' }), notConsul)
  assert.equal(await problem('ACL not found', noIndex, 403), 'PLACE: HTTP 403: "ACL not found"')
  assert.equal(await problem('', noIndex, 500), 'PLACE: HTTP 500')
  assert.equal(await problem({}), 'the answer: expected an array, but got an object')
  assert.equal(await problem('[{'), 'PLACE: the answer is not valid JSON: "[{"')
  assert.equal(await problem([{}]), '[0].Node: expected an object')
  assert.equal(await problem([entry('a', '', 0)]), '[0].Service.Port: expected 1 … 65535, but got 0')
  const noHost = '[0].Service.Address: expected an IP address or a host name, but got "a b"'
  assert.equal(await problem([entry('a', 'a b', 1)]), noHost)
  const twice = [entry('a', '', 1), entry('a', '', 2)]
  assert.equal(await problem(twice), 'an answer with two instances of the same node and id')
  const asked = consul.server.requests.length
  consul.server.handle = consul.handle
  consul.change([entry('web3', '', 80)])
  await reports.has('n1/web3 10.0.0.1:80')
  assert.ok(consul.server.requests.slice(asked)[0]?.endsWith('passing=1'))
})

test('a query that is held back for too long is a problem', async (t) => {
  const consul = await fakeConsul(t)
  const reports = watched(t, consul.server.url, { timeoutMs: 100, waitMs: 80 })
  assert.equal(withoutPlace(await reports.troubled()), 'PLACE: no answer within 0.185 s')
  assert.equal(reports.members, 'n1/web1 10.0.0.1:80')
  const { length } = reports.answers
  await reports.answered(length + 1)
})

test('asks again at once on request, in the middle of a query', async (t) => {
  const consul = await fakeConsul(t)
  const reports = watched(t, consul.server.url)
  await until('a blocking query', () => consul.held.size === 1)
  const { length } = reports.answers
  reports.source.askAgain()
  await reports.answered(length + 1)
  assert.deepEqual(reports.problems, [])
})
