import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { EtcdPlan } from '../../src/discovery/discover-plan.js'
import { openEtcd } from '../../src/discovery/types/etcd.js'
import { afterwards } from '../harness/clean-up.js'
import { Etcd } from '../harness/etcd.js'
import { needs } from '../harness/needs.js'
import { fileWith } from '../harness/tls.js'
import { ASKING, FAST, membersText, NEVER_MS, opened, rawServer } from '../support/discovery.js'

const PREFIX = '/web/'

function watched(t: TestContext, endpoint: string, other: Partial<EtcdPlan> = {}) {
  const plan: EtcdPlan = {
    ...ASKING,
    type: 'etcd',
    endpoints: [endpoint],
    prefix: PREFIX,
    user: undefined,
    passwordFile: undefined,
    intervalMs: NEVER_MS,
    ...other,
  }
  return opened(t, (events) => openEtcd(plan, events, FAST))
}

/** The states of the prefix after each revision, as the changes of the test make them. */
class Model {
  readonly #changes = new Map<number, readonly [key: string, place: string | undefined]>()

  /** `place`: undefined if the key is deleted. */
  changed(revision: number, key: string, place: string | undefined): void {
    this.#changes.set(revision, [key, place])
  }

  get states(): readonly string[] {
    const members = new Map<string, string>()
    const text = () =>
      [...members]
        .map(([key, place]) => `${key} ${place}`)
        .sort()
        .join(', ')
    const states = [text()]
    for (const [, [key, place]] of [...this.#changes].sort(([a], [b]) => a - b)) {
      if (place === undefined) members.delete(key)
      else members.set(key, place)
      states.push(text())
    }
    return states
  }
}

const CHANGES = 1_000
const KEYS = 40
const AT_ONCE = 20

async function change(etcd: Etcd, model: Model, i: number): Promise<void> {
  // A key of its own among those that are changed at once: no two changes of a key overtake each other.
  const key = `k${i % KEYS}`
  const port = 1 + i
  const place = i % 3 === 2 ? undefined : `10.0.0.1:${port}`
  const revision = place === undefined ? await etcd.delete(PREFIX + key) : await etcd.put(PREFIX + key, place)
  if (revision !== undefined) model.changed(revision, key, place)
}

test('etcd: a thousand changes, applied in their order', async (t) => {
  if (!needs(t, 'etcd')) return
  const etcd = await Etcd.start(t)
  const model = new Model()
  const reports = watched(t, etcd.url)
  await reports.answered(1)
  for (let i = 0; i < CHANGES; i += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, j) => change(etcd, model, i + j)))
  const { states } = model
  await reports.has(states.at(-1) ?? '')
  assert.deepEqual(reports.problems, [])
  // Each answer is the state after some change, and never one from before.
  let at = 0
  for (const answer of reports.answers) {
    const found = states.indexOf(membersText(answer), at)
    assert.ok(found >= 0, `${membersText(answer)} after change ${at}`)
    at = found
  }
  t.diagnostic(`${reports.answers.length} answers for ${CHANGES} changes`)
  assert.ok(reports.answers.length > 20)
})

test('etcd: keys vanish with their lease, and a value that cannot be read leaves its key as it was', async (t) => {
  if (!needs(t, 'etcd')) return
  const etcd = await Etcd.start(t)
  const lease = await etcd.lease(2)
  await etcd.put(`${PREFIX}a`, '{"address":"10.0.0.1","port":80,"weight":3}')
  await etcd.put(`${PREFIX}b`, '10.0.0.2:80', lease)
  await etcd.put('/webother', 'nothing')
  const reports = watched(t, etcd.url)
  await reports.has('a 10.0.0.1:80, b 10.0.0.2:80')
  assert.equal(reports.answers[0]?.find(({ name }) => name === 'a')?.weight, 3)
  await reports.has('a 10.0.0.1:80')
  await etcd.put(`${PREFIX}a`, 'garbage')
  await etcd.put(`${PREFIX}c`, '{')
  await etcd.put(`${PREFIX}d`, '10.0.0.4:80')
  await reports.has('a 10.0.0.1:80, d 10.0.0.4:80')
  reports.source.askAgain()
  const { length } = reports.answers
  await reports.answered(length + 1)
  await reports.has('a 10.0.0.1:80, d 10.0.0.4:80')
  assert.deepEqual(reports.problems, [])
  const unreadable = 'key "/web/a": expected HOST:PORT, but got "garbage"; the key is kept as it was'
  assert.equal(reports.lack, `${unreadable}; and 1 more`)
  await etcd.put(`${PREFIX}a`, '10.0.0.9:80')
  await reports.has('a 10.0.0.9:80, d 10.0.0.4:80')
  assert.equal(reports.lack, 'key "/web/c": its value is not valid JSON: "{"; the key is left out')
})

test('etcd: stopped, changed nothing, and started again', async (t) => {
  if (!needs(t, 'etcd')) return
  const etcd = await Etcd.start(t)
  await etcd.put(`${PREFIX}a`, '10.0.0.1:80')
  const reports = watched(t, etcd.url)
  await reports.has('a 10.0.0.1:80')
  await etcd.stop()
  await reports.troubled(2)
  assert.equal(reports.members, 'a 10.0.0.1:80')
  await etcd.start()
  await etcd.put(`${PREFIX}b`, '10.0.0.2:80')
  await reports.has('a 10.0.0.1:80, b 10.0.0.2:80')
  assert.equal(reports.answers.filter((answer) => answer.length === 0).length, 0)
})

test('etcd: changes that are compacted while the watch is away are read anew', async (t) => {
  if (!needs(t, 'etcd')) return
  const etcd = await Etcd.start(t)
  await etcd.put(`${PREFIX}a`, '10.0.0.1:80')
  await etcd.put(`${PREFIX}b`, '10.0.0.2:80')
  const line = await cuttable(t, etcd.port)
  const reports = watched(t, line.url)
  await reports.has('a 10.0.0.1:80, b 10.0.0.2:80')
  line.cut()
  await reports.troubled()
  await etcd.delete(`${PREFIX}a`)
  await etcd.compact(await etcd.put(`${PREFIX}c`, '10.0.0.3:80'))
  line.restore()
  await reports.has('b 10.0.0.2:80, c 10.0.0.3:80')
})

/** A way to the port that can be cut. */
async function cuttable(t: TestContext, port: number) {
  const sockets = new Set<Socket>()
  let isCut = false
  const { close, port: own } = await rawServer((near) => {
    if (isCut) {
      near.resetAndDestroy()
      return
    }
    const far = connect(port, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    }
    near.pipe(far).pipe(near)
  })
  const cut = () => {
    isCut = true
    for (const socket of sockets) socket.resetAndDestroy()
  }
  afterwards(t, async () => {
    cut()
    await close()
  })
  const restore = () => {
    isCut = false
  }
  return { url: `http://127.0.0.1:${own}`, cut, restore }
}

test('etcd: users, and tokens that are no longer valid', async (t) => {
  if (!needs(t, 'etcd')) return
  const etcd = await Etcd.start(t)
  await etcd.put(`${PREFIX}a`, '10.0.0.1:80')
  const range = { key: Buffer.from('/').toString('base64'), range_end: Buffer.from('0').toString('base64') }
  await etcd.call('/v3/auth/user/add', { name: 'root', password: 'toor' })
  await etcd.call('/v3/auth/user/grant', { user: 'root', role: 'root' }).catch(() => {})
  await etcd.call('/v3/auth/role/add', { name: 'root' }).catch(() => {})
  await etcd.call('/v3/auth/user/grant', { user: 'root', role: 'root' })
  await etcd.call('/v3/auth/role/add', { name: 'reader' })
  await etcd.call('/v3/auth/role/grant', { name: 'reader', perm: { permType: 'READ', ...range } })
  await etcd.call('/v3/auth/user/add', { name: 'relay', password: 'secret' })
  await etcd.call('/v3/auth/user/grant', { user: 'relay', role: 'reader' })
  await etcd.call('/v3/auth/enable', {})
  const nobody = watched(t, etcd.url)
  assert.match(await nobody.troubled(), /HTTP 400: "etcdserver: user name is empty"/)
  const wrong = watched(t, etcd.url, { user: 'relay', passwordFile: fileWith(t, 'wrong') })
  assert.match(
    await wrong.troubled(),
    /HTTP 400: "etcdserver: authentication failed, invalid user ID or pass/,
  )
  const reports = watched(t, etcd.url, { user: 'relay', passwordFile: fileWith(t, 'secret\n') })
  await reports.has('a 10.0.0.1:80')
  // Tokens of this kind are in the memory of the server.
  await etcd.stop()
  await reports.troubled()
  await etcd.start()
  const { token } = (await etcd.call('/v3/auth/authenticate', { name: 'root', password: 'toor' })) as {
    token: string
  }
  const put = {
    key: Buffer.from(`${PREFIX}b`).toString('base64'),
    value: Buffer.from('h:1').toString('base64'),
  }
  await etcd.call('/v3/kv/put', put, { Authorization: token })
  await reports.has('a 10.0.0.1:80, b h:1')
  assert.ok(reports.problems.every((text) => !text.includes('secret')))
})
