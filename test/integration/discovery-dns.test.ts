import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Client } from '../harness/client.js'
import { address, DnsServer, NXDOMAIN, SERVFAIL, SILENCE, service } from '../harness/dns-server.js'
import { MODES, type Running, SINGLE } from '../harness/modes.js'
import { relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { type Remote, remoteThat, says } from '../harness/remote.js'
import { until } from '../harness/until.js'

const NAME = 'web.example.test'

/** Remotes on the same port of 127.0.0.1, 127.0.0.2, …, which say their names. */
async function remotesOf(t: TestContext, names: readonly string[]): Promise<readonly Remote[]> {
  const remotes: Remote[] = []
  for (const name of names) {
    const host = `127.0.0.${remotes.length + 1}`
    remotes.push(await remoteThat(says(name)).start(t, { host, port: remotes[0]?.port ?? 0 }))
  }
  return remotes
}

async function ask(t: TestContext, running: Running): Promise<string> {
  const client = await Client.connect(t, { port: running.port() })
  const answer = await client.readToEnd()
  await client.close()
  return answer
}

/** What the next clients get, sorted. */
async function answers(t: TestContext, running: Running, count = 4): Promise<string> {
  const all: string[] = []
  while (all.length < count) all.push(await ask(t, running))
  return all.sort().join()
}

function changed(what: string, port: number, count: number): RegExp {
  return new RegExp(`pool default: members: ${what.replaceAll('.', '\\.')}:${port}: ${count} now`)
}

for (const mode of MODES) {
  test(`${mode.name}: members appear and vanish with the addresses of a name`, async (t) => {
    const server = await DnsServer.start(t)
    const [{ port } = { port: 0 }] = await remotesOf(t, ['a', 'b'])
    const has = (hosts: readonly string[]) =>
      server.set(`A ${NAME}`, { answers: hosts.map((host) => address(NAME, host, 0)) })
    server.set(`A ${NAME}`, SERVFAIL)
    const source =
      `type = dns name = ${NAME} port = ${port} family = ipv4 servers = 127.0.0.1:${server.address.port} ` +
      'min interval = 100ms timeout = 10s tries = 1 max removed = 100%'
    const plan = relayTo().with('balance = round-robin', `discover { ${source} }`)
    // The name cannot be resolved: the program starts all the same.
    const running = await mode.start(t, plan)
    await running.logged(
      /pool default: cannot find members: A of web\.example\.test: 127\.0\.0\.1:\d+: SERVFAIL/,
    )
    has(['127.0.0.1'])
    await running.logged(/pool default: the source of members answers again/)
    await running.logged(changed('joined 127.0.0.1', port, 1))
    await until('the first member', async () => (await ask(t, running)) === 'a')
    assert.equal(await answers(t, running), 'a,a,a,a')
    has(['127.0.0.2', '127.0.0.1'])
    await running.logged(changed('joined 127.0.0.2', port, 2))
    await until('both members', async () => (await answers(t, running)) === 'a,a,b,b')
    // No answer: the members stay, also over a reload.
    const askedBefore = server.countOf(`udp A ${NAME}`)
    server.set(`A ${NAME}`, SERVFAIL)
    await server.isAsked(`udp A ${NAME}`, askedBefore + 2)
    await reload(running, mode.textOf(plan.with('idle timeout = 1h')))
    assert.equal(await answers(t, running), 'a,a,b,b')
    has(['127.0.0.2'])
    await running.logged(changed('left 127.0.0.1', port, 1))
    await until('one member', async () => (await answers(t, running)) === 'b,b,b,b')
    server.set(`A ${NAME}`, NXDOMAIN)
    await running.logged(changed('left 127.0.0.2', port, 0))
  })
}

test('no client fails while members come and go', async (t) => {
  const server = await DnsServer.start(t)
  const [{ port } = { port: 0 }] = await remotesOf(t, ['a', 'b', 'c'])
  const shown = (hosts: string) => ({
    answers: Array.from(hosts, (last) => address(NAME, `127.0.0.${last}`, 0)),
  })
  const states = ['1', '12', '123', '23', '3', '31', '312', '2', '21'].map(shown)
  server.set(`A ${NAME}`, ...states, SILENCE, ...states, shown('13'))
  const source =
    `type = dns name = ${NAME} port = ${port} family = ipv4 servers = 127.0.0.1:${server.address.port} ` +
    'min interval = 100ms timeout = 300ms tries = 1 max removed = 100%'
  const running = await SINGLE.start(t, relayTo().with('balance = round-robin', `discover { ${source} }`))
  const served = new Map<string, number>()
  await until('all states', async () => {
    const name = await ask(t, running)
    served.set(name, (served.get(name) ?? 0) + 1)
    return server.countOf(`udp A ${NAME}`) > states.length * 2 + 3
  })
  assert.deepEqual([...served.keys()].sort(), ['a', 'b', 'c'])
})

test('tiers and weights of SRV records', async (t) => {
  const server = await DnsServer.start(t)
  const [{ port } = { port: 0 }] = await remotesOf(t, ['a', 'b', 'c'])
  const srv = '_x._tcp.example.test'
  const targets = (texts: readonly string[]) =>
    server.set(`SRV ${srv}`, { answers: texts.map((text) => service(srv, text, 0)) })
  for (const [i, name] of ['a', 'b', 'c'].entries()) server.setAddresses(`${name}.test`, [`127.0.0.${i + 1}`])
  targets([`10 3 ${port} a.test`, `10 1 ${port} b.test`, `20 1 ${port} c.test`])
  const source =
    `type = srv name = ${srv} family = ipv4 servers = 127.0.0.1:${server.address.port} ` +
    'min interval = 100ms timeout = 10s tries = 1 max removed = 100%'
  const running = await SINGLE.start(t, relayTo().with('balance = round-robin', `discover { ${source} }`))
  await until('weights', async () => (await answers(t, running)) === 'a,a,a,b')
  targets([`20 1 ${port} c.test`])
  await until('the only one left', async () => (await answers(t, running)) === 'c,c,c,c')
})
