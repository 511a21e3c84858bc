import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { type SocketAddress, withPort } from '../base/address.js'
import { NOTICE, WARNING } from '../observe/severity.js'
import { TraceChannel } from '../observe/trace.js'
import { type NamedRemote, type NameWatch, Resolver, resolveHost } from './resolver.js'

const REMOTE: NamedRemote = { slot: 3, host: 'server.example', family: 0, port: 80 }
const A = withPort({ family: 'ipv4', host: '10.0.0.1' }, 80)
const B = withPort({ family: 'ipv4', host: '10.0.0.2' }, 80)

/** A resolver with given answers and fake time. */
class World {
  readonly found: (readonly SocketAddress[])[] = []
  readonly lines: (readonly [severity: number, line: string])[] = []
  lookups = 0
  answer: SocketAddress[] | Error = []
  readonly resolver = new Resolver(
    (severity, line) => this.lines.push([severity, line]),
    new TraceChannel('DNS', 0, () => {}),
    async ({ host, port }) => {
      assert.deepEqual([host, port], [REMOTE.host, 0])
      this.lookups++
      if (this.answer instanceof Error) throw this.answer
      return this.answer
    },
  )

  watch(remote = REMOTE): NameWatch {
    return this.resolver.watch([remote], (slot, addresses) => {
      assert.equal(slot, remote.slot)
      this.found.push(addresses)
    })
  }

  async pass(ms: number): Promise<void> {
    await settled()
    mock.timers.tick(ms)
    await settled()
  }
}

/** Lets all pending promises continue. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

async function withWorld(run: (world: World) => Promise<void>): Promise<void> {
  mock.timers.enable({ apis: ['setTimeout'] })
  const world = new World()
  try {
    await run(world)
  } finally {
    world.resolver.close()
    mock.timers.reset()
  }
}

const failure = (code: string) => Object.assign(new Error('lookup failed'), { code })

test('looks a name up at once and every 30 s', async () => {
  await withWorld(async (world) => {
    world.answer = [A, B]
    world.watch()
    await world.pass(0)
    assert.deepEqual([world.lookups, world.found], [1, [[A, B]]])
    await world.pass(29_999)
    assert.equal(world.lookups, 1)
    await world.pass(1)
    assert.deepEqual([world.lookups, world.found.length, world.lines], [2, 1, []])
  })
})

test('reports only answers with different addresses, in any order', async () => {
  await withWorld(async (world) => {
    world.answer = [A, B]
    world.watch()
    await world.pass(0)
    world.answer = [B, A]
    await world.pass(30_000)
    assert.equal(world.found.length, 1)
    world.answer = [B]
    await world.pass(30_000)
    assert.deepEqual(world.found[1], [B])
  })
})

test('keeps addresses on failure, logs it once and backs off', async () => {
  await withWorld(async (world) => {
    world.answer = [A]
    world.watch()
    await world.pass(0)
    world.answer = failure('EAI_AGAIN')
    await world.pass(30_000)
    assert.deepEqual(world.lines, [[WARNING, "cannot resolve 'server.example': EAI_AGAIN"]])
    for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      const { lookups } = world
      await world.pass(pauseMs - 1)
      assert.equal(world.lookups, lookups)
      await world.pass(1)
      assert.equal(world.lookups, lookups + 1, `after ${pauseMs} ms`)
    }
    assert.deepEqual([world.found.length, world.lines.length], [1, 1])
    world.answer = [A]
    await world.pass(30_000)
    assert.deepEqual(world.lines.slice(1), [[NOTICE, "resolved 'server.example' again"]])
    assert.equal(world.found.length, 1, 'nothing has changed')
  })
})

test('treats a name without addresses as a failure', async () => {
  await withWorld(async (world) => {
    world.watch()
    await world.pass(0)
    assert.deepEqual(world.lines, [[WARNING, "cannot resolve 'server.example': the name has no address"]])
    assert.deepEqual(world.found, [])
  })
})

test('starts a second watch with the last answer, also after a failure', async () => {
  await withWorld(async (world) => {
    world.answer = [A]
    const first = world.watch()
    assert.equal(first.known.size, 0)
    await world.pass(0)
    world.answer = failure('EAI_AGAIN')
    const elsewhere = { ...REMOTE, slot: 5, port: 81 }
    const second = world.watch(elsewhere)
    assert.deepEqual([...second.known], [[5, [withPort({ family: 'ipv4', host: '10.0.0.1' }, 81)]]])
    await second.looked
    assert.deepEqual([world.lookups, world.found.length], [2, 1], 'looked up anew, without another answer')
    first.close()
    world.answer = [B]
    await world.pass(1_000)
    assert.deepEqual(world.found.slice(1), [[withPort({ family: 'ipv4', host: '10.0.0.2' }, 81)]])
  })
})

test('shares one lookup among all watchers of a name', async () => {
  await withWorld(async (world) => {
    world.answer = [A]
    const watches = [world.watch(), world.watch()]
    await world.pass(0)
    assert.deepEqual([world.lookups, world.found], [1, [[A], [A]]])
    for (const watch of watches) watch.close()
    await world.pass(100_000)
    assert.equal(world.lookups, 1)
    assert.equal(world.watch().known.size, 0, 'an unwatched name is dropped')
  })
})

test('ignores lookups in flight after close', async () => {
  await withWorld(async (world) => {
    world.answer = [A]
    world.watch()
    world.resolver.close()
    await world.pass(0)
    assert.deepEqual([world.found, world.lines], [[], []])
    await world.pass(100_000)
    assert.equal(world.lookups, 1)
  })
})

test('resolves localhost and literals by family', async () => {
  const addresses = await resolveHost({ host: 'localhost', family: 4, port: 7 })
  assert.deepEqual(addresses[0], { family: 'ipv4', host: '127.0.0.1', port: 7 })
  const literal = await resolveHost({ host: '::1', family: 0, port: 7 })
  assert.deepEqual(literal, [{ family: 'ipv6', host: '::1', scope: '', port: 7 }])
})
