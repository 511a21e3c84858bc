import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { countingBoundary } from '../../test/support/boundaries.js'
import { ERR, INFO, NOTICE, WARNING } from '../observe/severity.js'
import { Stapler, type StapleSource, type StapleVerdict } from './stapler.js'

const HOUR_MS = 3_600_000

const source = (id: string): StapleSource => ({
  id,
  url: `http://${id}.example/`,
  request: Buffer.from(id),
  name: id,
})

/** A stapler whose responders say what the test says, in a time of the test's own. */
class World {
  readonly t: TestContext
  readonly stapler: Stapler<StapleSource>
  readonly asked: string[] = []
  readonly shown: (readonly [id: string, staple: string | undefined])[] = []
  readonly said: (readonly [severity: number, text: string])[] = []
  /** What responders say; an error: they do not. */
  answer: string | Error = 'one'
  verdict: StapleVerdict = { kind: 'good', expiresInMs: 2 * HOUR_MS }
  /** Requests that are not answered before it says so. */
  held: (() => void)[] | undefined
  ended = 0
  /** Those whose responses make the handler throw. */
  readonly broken = new Set<string>()

  constructor(t: TestContext) {
    this.t = t
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    this.stapler = new Stapler<StapleSource>({
      post: (_url, request, ended) => this.#post(Buffer.from(request).toString(), ended),
      check: ({ id }) => {
        if (this.broken.has(id)) throw new Error('injected')
        return this.verdict
      },
      onStaple: (id, staple) => this.shown.push([id, staple && Buffer.from(staple).toString()]),
      say: (severity, text) => this.said.push([severity, text.replace('TLS: the OCSP response for ', '')]),
      boundary: countingBoundary().boundary,
    })
  }

  async #post(id: string, ended: AbortSignal): Promise<Uint8Array> {
    this.asked.push(id)
    ended.onabort = () => this.ended++
    await new Promise<void>((resolve) => {
      if (this.held === undefined) resolve()
      else this.held.push(resolve)
    })
    if (this.answer instanceof Error) throw this.answer
    return Buffer.from(this.answer)
  }

  async watch(...ids: string[]): Promise<void> {
    this.stapler.watch(ids.map(source))
    await settled()
  }

  /** Time passes, in steps that a responder can answer in. */
  async pass(ms: number): Promise<void> {
    const steps = 100
    for (let i = 0; i < steps; i++) {
      this.t.mock.timers.tick(Math.ceil(ms / steps))
      await settled()
    }
  }

  saidOf(severity: number): string[] {
    return this.said.flatMap(([one, text]) => (one === severity ? text : []))
  }
}

/** What follows an answer at once has happened. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

test('a response is shown, and fetched again at half of its time', async (t) => {
  const world = new World(t)
  await world.watch('a')
  assert.deepEqual(world.shown, [['a', 'one']])
  assert.deepEqual(world.said, [[INFO, 'a fetched from http://a.example/']])
  await world.pass(0.85 * HOUR_MS)
  assert.equal(world.asked.length, 1)
  world.answer = 'two'
  await world.pass(0.2 * HOUR_MS)
  assert.equal(world.asked.length, 2)
  assert.deepEqual(world.shown[1], ['a', 'two'])
  assert.deepEqual(world.stapler.staples, [['a', Buffer.from('two')]])
  await world.pass(2 * HOUR_MS)
  assert.ok(world.asked.length >= 4, 'and so on')
  assert.equal(world.shown.length, 2, 'what has not changed is not told')
  assert.equal(world.said.length, 1)
  world.stapler.close()
})

test('a response for weeks is fetched again after half a day, one for seconds not all the time', async (t) => {
  const world = new World(t)
  world.verdict = { kind: 'good', expiresInMs: 1_000 * HOUR_MS }
  await world.watch('long')
  await world.pass(12.1 * HOUR_MS)
  assert.equal(world.asked.length, 2)
  world.verdict = { kind: 'good', expiresInMs: 2_000 }
  await world.watch('short')
  await world.pass(60_000)
  const count = world.asked.filter((id) => id === 'short').length
  assert.ok(count >= 5 && count <= 8, `${count} in a minute`)
  world.stapler.close()
})

test('an outage costs one line; the last good response goes on until it expires', async (t) => {
  const world = new World(t)
  await world.watch('a')
  world.answer = new Error('no answer within 10 s')
  await world.pass(1.9 * HOUR_MS)
  assert.ok(world.asked.length > 8, 'it is tried again')
  assert.deepEqual(world.saidOf(WARNING), [
    'a cannot be fetched from http://a.example/: no answer within 10 s; the last one goes on',
  ])
  assert.equal(world.shown.length, 1)
  await world.pass(0.2 * HOUR_MS)
  assert.deepEqual(world.shown[1], ['a', undefined])
  assert.deepEqual(world.stapler.staples, [])
  const expired = 'a has expired, and there is no newer one: nothing is stapled'
  assert.deepEqual(world.saidOf(WARNING).slice(1), [expired])
  const before = world.asked.length
  await world.pass(24 * HOUR_MS)
  const count = world.asked.length - before
  assert.ok(count >= 18 && count <= 34, `about once an hour, not ${count} times a day`)
  assert.equal(world.saidOf(WARNING).length, 2)
  world.answer = 'two'
  await world.pass(1.5 * HOUR_MS)
  assert.deepEqual(world.shown[2], ['a', 'two'])
  assert.deepEqual(world.saidOf(NOTICE), ['a is fetched again from http://a.example/'])
  world.stapler.close()
})

test('a responder that is down at start is asked again soon', async (t) => {
  const world = new World(t)
  world.answer = Object.assign(new Error(''), { code: 'ECONNREFUSED' })
  await world.watch('a')
  assert.deepEqual(world.said, [
    [WARNING, 'a cannot be fetched from http://a.example/: ECONNREFUSED; nothing is stapled'],
  ])
  world.answer = 'one'
  await world.pass(2_600)
  assert.deepEqual(world.shown, [['a', 'one']])
  world.stapler.close()
})

test('what is refused is a failure like any other', async (t) => {
  const world = new World(t)
  world.verdict = { kind: 'useless', reason: 'it has expired 5 s ago' }
  await world.watch('a')
  assert.deepEqual(world.shown, [])
  assert.match(world.saidOf(WARNING).join(), /: it has expired 5 s ago; nothing is stapled$/)
  world.stapler.close()
})

test('a revoked certificate has no response, and that is an error', async (t) => {
  const world = new World(t)
  await world.watch('a')
  world.verdict = { kind: 'revoked', expiresInMs: 2 * HOUR_MS }
  await world.pass(10 * HOUR_MS)
  assert.deepEqual(world.shown, [
    ['a', 'one'],
    ['a', undefined],
  ])
  assert.deepEqual(world.saidOf(ERR), ['a says that it is REVOKED: nothing is stapled'])
  assert.deepEqual(world.saidOf(WARNING), [])
  world.verdict = { kind: 'good', expiresInMs: 2 * HOUR_MS }
  await world.pass(1.1 * HOUR_MS)
  assert.deepEqual(world.shown[2], ['a', 'one'])
  world.stapler.close()
})

test('certificates that stay keep their responses; others are forgotten', async (t) => {
  const world = new World(t)
  await world.watch('a', 'b')
  await world.watch('b', 'c')
  assert.deepEqual(world.asked, ['a', 'b', 'c'])
  assert.deepEqual(
    world.stapler.staples.map(([id]) => id),
    ['b', 'c'],
  )
  await world.pass(1.1 * HOUR_MS)
  assert.deepEqual(world.asked.slice(3).sort(), ['b', 'c'])
  world.stapler.close()
  await world.pass(24 * HOUR_MS)
  assert.equal(world.asked.length, 5)
})

test('few are asked at once, and what nobody wants any more is ended', async (t) => {
  const world = new World(t)
  const held: (() => void)[] = []
  world.held = held
  await world.watch('a', 'b', 'c', 'd', 'e', 'f')
  assert.deepEqual(world.asked, ['a', 'b', 'c', 'd'])
  held.shift()?.()
  await settled()
  assert.deepEqual(world.asked, ['a', 'b', 'c', 'd', 'e'])
  await world.watch('a', 'b')
  assert.equal(world.ended, 3)
  for (const answer of held) answer()
  await settled()
  assert.deepEqual(
    world.shown.map(([id]) => id),
    ['a', 'b'],
  )
  assert.equal(world.asked.length, 5)
  world.stapler.close()
})

test('an exception while a response is handled is a failure of that response alone', async (t) => {
  const world = new World(t)
  world.broken.add('a')
  await world.watch('a', 'b')
  assert.deepEqual(world.shown, [['b', 'one']])
  assert.deepEqual(world.saidOf(WARNING), [
    'a cannot be fetched from http://a.example/: the response cannot be handled; nothing is stapled',
  ])
  world.broken.clear()
  await world.pass(5_000)
  assert.deepEqual(world.shown[1], ['a', 'one'])
  world.stapler.close()
})
