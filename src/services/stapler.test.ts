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

/** A stapler with fake responders and fake time. */
class World {
  readonly t: TestContext
  readonly stapler: Stapler<StapleSource>
  readonly asked: string[] = []
  readonly shown: (readonly [id: string, staple: string | undefined])[] = []
  readonly said: (readonly [severity: number, text: string])[] = []
  /** The answer of all responders; an error rejects. */
  answer: string | Error = 'one'
  verdict: StapleVerdict = { kind: 'good', expiresInMs: 2 * HOUR_MS }
  /** Requests that are answered only on demand. */
  held: (() => void)[] | undefined
  ended = 0
  /** Ids whose responses make the handler throw. */
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

  /** Advances the time in steps, so that responders can answer. */
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

/** Lets the handlers of an answer run. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

test('staples a response and refreshes it after half its validity', async (t) => {
  const world = new World(t)
  await world.watch('a')
  assert.deepEqual(world.shown, [['a', 'one']])
  assert.deepEqual(world.said, [[INFO, 'a was fetched from http://a.example/']])
  await world.pass(0.85 * HOUR_MS)
  assert.equal(world.asked.length, 1)
  world.answer = 'two'
  await world.pass(0.2 * HOUR_MS)
  assert.equal(world.asked.length, 2)
  assert.deepEqual(world.shown[1], ['a', 'two'])
  assert.deepEqual(world.stapler.staples, [['a', Buffer.from('two')]])
  await world.pass(2 * HOUR_MS)
  assert.ok(world.asked.length >= 4, 'and so on')
  assert.equal(world.shown.length, 2, 'an unchanged response is not reported')
  assert.equal(world.said.length, 1)
  world.stapler.close()
})

test('bounds the refresh interval for long and short validity', async (t) => {
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

test('logs an outage once and keeps the last response until it expires', async (t) => {
  const world = new World(t)
  await world.watch('a')
  world.answer = new Error('no answer within 10 s')
  await world.pass(1.9 * HOUR_MS)
  assert.ok(world.asked.length > 8, 'it is tried again')
  assert.deepEqual(world.saidOf(WARNING), [
    'a cannot be fetched from http://a.example/: no answer within 10 s; stapling the last one',
  ])
  assert.equal(world.shown.length, 1)
  await world.pass(0.2 * HOUR_MS)
  assert.deepEqual(world.shown[1], ['a', undefined])
  assert.deepEqual(world.stapler.staples, [])
  const expired = 'a has expired and could not be refreshed; stapling nothing'
  assert.deepEqual(world.saidOf(WARNING).slice(1), [expired])
  const before = world.asked.length
  await world.pass(24 * HOUR_MS)
  const count = world.asked.length - before
  assert.ok(count >= 18 && count <= 34, `about once an hour, not ${count} times a day`)
  assert.equal(world.saidOf(WARNING).length, 2)
  world.answer = 'two'
  await world.pass(1.5 * HOUR_MS)
  assert.deepEqual(world.shown[2], ['a', 'two'])
  assert.deepEqual(world.saidOf(NOTICE), ['a was fetched again from http://a.example/'])
  world.stapler.close()
})

test('retries soon when the responder is down at start', async (t) => {
  const world = new World(t)
  world.answer = Object.assign(new Error(''), { code: 'ECONNREFUSED' })
  await world.watch('a')
  assert.deepEqual(world.said, [
    [WARNING, 'a cannot be fetched from http://a.example/: ECONNREFUSED; stapling nothing'],
  ])
  world.answer = 'one'
  await world.pass(2_600)
  assert.deepEqual(world.shown, [['a', 'one']])
  world.stapler.close()
})

test('treats an unusable response as a failure', async (t) => {
  const world = new World(t)
  world.verdict = { kind: 'useless', reason: 'it has expired 5 s ago' }
  await world.watch('a')
  assert.deepEqual(world.shown, [])
  assert.match(world.saidOf(WARNING).join(), /: it has expired 5 s ago; stapling nothing$/)
  world.stapler.close()
})

test('logs an error and staples nothing for a revoked certificate', async (t) => {
  const world = new World(t)
  await world.watch('a')
  world.verdict = { kind: 'revoked', expiresInMs: 2 * HOUR_MS }
  await world.pass(10 * HOUR_MS)
  assert.deepEqual(world.shown, [
    ['a', 'one'],
    ['a', undefined],
  ])
  assert.deepEqual(world.saidOf(ERR), ['a says that the certificate is REVOKED; stapling nothing'])
  assert.deepEqual(world.saidOf(WARNING), [])
  world.verdict = { kind: 'good', expiresInMs: 2 * HOUR_MS }
  await world.pass(1.1 * HOUR_MS)
  assert.deepEqual(world.shown[2], ['a', 'one'])
  world.stapler.close()
})

test('keeps responses of known certificates and drops others', async (t) => {
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

test('limits requests in flight and aborts dropped ones', async (t) => {
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

test('treats an exception in the handler as a failed response', async (t) => {
  const world = new World(t)
  world.broken.add('a')
  await world.watch('a', 'b')
  assert.deepEqual(world.shown, [['b', 'one']])
  assert.deepEqual(world.saidOf(WARNING), [
    'a cannot be fetched from http://a.example/: internal error while handling the response; stapling nothing',
  ])
  world.broken.clear()
  await world.pass(5_000)
  assert.deepEqual(world.shown[1], ['a', 'one'])
  world.stapler.close()
})
