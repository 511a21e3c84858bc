/** The servers are scripted after the documentation of Consul and Kubernetes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from '../harness/client.js'
import { MODES } from '../harness/modes.js'
import { Relay, relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { remoteThat, says } from '../harness/remote.js'
import { fileWith } from '../harness/tls.js'
import { until } from '../harness/until.js'
import { type Handle, json, scriptedServer } from '../support/discovery.js'

/** Names of pools, which are those of the sources. */
const POOLS = ['http', 'consul', 'kubernetes'] as const

for (const mode of MODES) {
  test(`${mode.name}: members from HTTP, Consul and Kubernetes`, async (t) => {
    const remote = await remoteThat(says('x')).start(t)
    const seen: string[] = []
    let heldBack = 0
    const answers: Record<string, unknown> = {
      '/members': { members: [{ name: 'of-http', address: '127.0.0.1', port: remote.port }] },
      '/v1/health/service/web': [
        {
          Node: { Node: 'n1', Address: '127.0.0.1' },
          Service: { ID: 'web1', Address: '', Port: remote.port },
        },
      ],
      '/apis/discovery.k8s.io/v1/namespaces/prod/endpointslices': {
        kind: 'EndpointSliceList',
        metadata: { resourceVersion: '1' },
        items: [
          {
            metadata: { name: 's1' },
            ports: [{ name: 'http', port: remote.port }],
            endpoints: [{ addresses: ['127.0.0.1'], targetRef: { name: 'web-7d4b' } }],
          },
        ],
      },
    }
    const handle: Handle = (request, response, body) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://x')
      const { authorization, 'x-consul-token': token } = request.headers
      seen.push(`${pathname} ${token ?? authorization}`)
      // Blocking queries and watches are held back.
      if (searchParams.has('index') || searchParams.has('watch')) {
        response.flushHeaders()
        heldBack += 1
      } else json(answers[pathname], { 'X-Consul-Index': '1' })(request, response, body)
    }
    const server = await scriptedServer(t, handle)
    const common = `url = ${server.url} token file = ${fileWith(t, 'secret')} timeout = 10s`
    const sources = {
      http: `type = http url = ${server.url}/members token file = ${fileWith(t, 'secret')} interval = 1h timeout = 10s`,
      consul: `type = consul ${common} service = web wait = 10m`,
      kubernetes: `type = kubernetes ${common} namespace = prod service = web service port = http`,
    }
    const plan = relayTo()
      .listeningOn(...POOLS.map((pool) => `address = 127.0.0.1 port = 0 pool = ${pool}`))
      .with(...POOLS.map((pool) => `pool = ${pool} { discover { ${sources[pool]} } }`))
    const running = await mode.start(t, plan)
    await running.logged(/pool http: members: joined of-http: 1 now/)
    await running.logged(/pool consul: members: joined n1\/web1: 1 now/)
    await running.logged(/pool kubernetes: members: joined web-7d4b: 1 now/)
    await until('a blocking query and a watch', () => heldBack === 2)
    if (running instanceof Relay) running.idles()
    for (const index of POOLS.keys()) {
      const client = await Client.connect(t, { port: running.port(index) })
      assert.equal(await client.readToEnd(), 'x')
      await client.close()
    }
    // Sources with the same settings go on over a reload.
    const { length } = seen
    await reload(running, mode.textOf(plan.with('idle timeout = 1h')))
    assert.equal(seen.length, length)
    assert.deepEqual(
      new Set(seen.map((text) => text.split(' ').slice(1).join(' '))),
      new Set(['Bearer secret', 'secret']),
    )
    assert.ok(!running.program.stderr.text.includes('secret'))
  })
}
