import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { serialize } from 'node:v8'
import fc from 'fast-check'
import { afterwards } from '../../test/harness/clean-up.js'
import { until } from '../../test/harness/until.js'
import { countingBoundary } from '../../test/support/boundaries.js'
import { anyCuts, cutAt } from '../../test/support/cuts.js'
import { messageCalls } from '../kernel/message-calls.js'
import { asJson, Link, serialized, trusting } from './link.js'
import { FROM_CHILD } from './link-messages.js'

class End {
  readonly heard: unknown[] = []
  readonly link: Link<unknown, unknown>
  ends = 0

  constructor(t: TestContext, fd: number) {
    this.link = new Link(fd, trusting(), serialized, {
      onMessage: (message) => void this.heard.push(message),
      onEnd: () => void this.ends++,
    })
    afterwards(t, () => this.link.close())
  }

  async hears(count: number): Promise<unknown[]> {
    await until(`${count} messages, not ${this.heard.length}`, () => this.heard.length === count)
    return this.heard
  }

  async isOver(): Promise<void> {
    await until('the end of the link', () => this.ends > 0)
  }
}

function linkPair(t: TestContext): readonly [End, End] {
  const [near, far] = streamPair()
  return [new End(t, near), new End(t, far)]
}

function streamPair(): readonly [number, number] {
  const pair = messageCalls().socketPair('stream')
  assert.ok(typeof pair !== 'number')
  return pair
}

/** A link whose other end is plain bytes. */
function withBytes(t: TestContext): { end: End; bytes: Socket } {
  const [near, far] = streamPair()
  const bytes = new Socket({ fd: far, readable: true, writable: true })
  bytes.on('error', () => {})
  afterwards(t, () => void bytes.destroy())
  return { end: new End(t, near), bytes }
}

function frame(message: unknown): Buffer {
  const body = serialize(message)
  const head = Buffer.alloc(4)
  head.writeUInt32LE(body.length)
  return Buffer.concat([head, body])
}

test('messages arrive in order, both ways', async (t) => {
  const [near, far] = linkPair(t)
  for (let i = 0; i < 100; i++) {
    near.link.send({ i, text: 'ü\0"' })
    far.link.send([i])
  }
  assert.deepEqual(
    await far.hears(100),
    Array.from({ length: 100 }, (_, i) => ({ i, text: 'ü\0"' })),
  )
  assert.deepEqual(
    await near.hears(100),
    Array.from({ length: 100 }, (_, i) => [i]),
  )
})

test('what JSON cannot say arrives as it was, wherever it is', async (t) => {
  const [near, far] = linkPair(t)
  const all = Uint8Array.from({ length: 256 }, (_, i) => i)
  near.link.send({
    list: [['a', all]],
    buffer: Buffer.from(all),
    part: all.subarray(7, 9),
    empty: all.subarray(0, 0),
    words: Int32Array.of(-1, 2 ** 30, 0).subarray(1),
    map: new Map([[1, all]]),
    pattern: /x(?<name>y)/im,
    numbers: [Number.POSITIVE_INFINITY, undefined],
  })
  const [got] = await far.hears(1)
  assert.deepEqual(got, {
    list: [['a', all]],
    buffer: Buffer.from(all),
    part: Uint8Array.of(7, 8),
    empty: new Uint8Array(),
    words: Int32Array.of(2 ** 30, 0),
    map: new Map([[1, all]]),
    pattern: /x(?<name>y)/im,
    numbers: [Number.POSITIVE_INFINITY, undefined],
  })
})

test('a frame that is cut at any byte is put together again', async (t) => {
  const wire = Buffer.concat([frame({ first: 'ü' }), frame([]), frame({ last: 1 })])
  const { bytes, end } = withBytes(t)
  for (let cut = 0; cut <= wire.length; cut++) {
    end.heard.length = 0
    await send(bytes, wire.subarray(0, cut))
    const whole = [frame({ first: 'ü' }).length, frame({ first: 'ü' }).length + frame([]).length, wire.length]
    await end.hears(whole.filter((length) => length <= cut).length)
    await send(bytes, wire.subarray(cut))
    assert.deepEqual(await end.hears(3), [{ first: 'ü' }, [], { last: 1 }])
  }
})

test('a frame arrives byte by byte', async (t) => {
  const { bytes, end } = withBytes(t)
  for (const byte of frame({ slow: true })) await send(bytes, Buffer.of(byte))
  assert.deepEqual(await end.hears(1), [{ slow: true }])
})

test('a snapshot of many megabytes arrives whole', async (t) => {
  const [near, far] = linkPair(t)
  const text = 'x'.repeat(8 * 1024 * 1024)
  near.link.send({ text })
  near.link.send('after')
  const [got, after] = await far.hears(2)
  assert.equal(after, 'after')
  assert.ok(JSON.stringify(got) === JSON.stringify({ text }))
})

test('what comes in many pieces is put together once, not with every piece', async (t) => {
  const concat = t.mock.method(Buffer, 'concat')
  const { bytes, end } = withBytes(t)
  const whole = frame({ text: 'x'.repeat(4 * 1024 * 1024) })
  concat.mock.resetCalls()
  for (let at = 0; at < whole.length; at += 16 * 1024) await send(bytes, whole.subarray(at, at + 16 * 1024))
  await end.hears(1)
  assert.ok(concat.mock.callCount() <= 2, `put together ${concat.mock.callCount()} times`)
})

test('the other end hears of the end, once, and after every message', async (t) => {
  const [near, far] = linkPair(t)
  near.link.send('last')
  await far.hears(1)
  near.link.close()
  await far.isOver()
  await near.isOver()
  far.link.send('nobody hears this')
  far.link.close()
  assert.deepEqual([far.heard, far.ends, near.ends], [['last'], 1, 1])
})

test('a process that ends in the middle of a frame ends the link', async (t) => {
  const { bytes, end } = withBytes(t)
  await send(bytes, frame({ a: 1 }).subarray(0, 6))
  bytes.destroy()
  await end.isOver()
  assert.deepEqual(end.heard, [])
})

test('a length that no frame has ends the link', async (t) => {
  const { bytes, end } = withBytes(t)
  await send(bytes, Buffer.of(0, 0, 0, 0x7f, 1))
  await end.isOver()
  assert.deepEqual(end.heard, [])
})

async function send(socket: Socket, bytes: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()))
  })
}

test('an exception while a message is handled reaches the guard, and nobody else', async (t) => {
  const [near, far] = streamPair()
  const bytes = new Socket({ fd: far, readable: true, writable: true })
  afterwards(t, () => void bytes.destroy())
  const { boundary } = countingBoundary()
  let ends = 0
  const events = {
    onMessage(message: unknown) {
      if (message === 'throw') throw new Error('injected')
    },
    onEnd: () => void ends++,
  }
  const link: Link<unknown, unknown> = new Link(near, trusting(), asJson, events, (handler) =>
    boundary.guard('a message of a child', handler, () => link.close()),
  )
  await send(bytes, Buffer.concat([frame('fine'), frame('throw')]))
  await until('the end of the link', () => ends === 1)
  assert.equal(boundary.count, 1)
})

test('whatever a child sends, in any chunks, is messages, an end, or one violation, and nothing is thrown', async () => {
  const json = fc.json().map((text) => {
    const head = Buffer.alloc(4)
    head.writeUInt32LE(Buffer.byteLength(text))
    return Buffer.concat([head, Buffer.from(text)])
  })
  const structured = fc.jsonValue().map(frame)
  const stream = fc
    .array(fc.oneof(json, structured, fc.uint8Array({ maxLength: 20 })))
    .map((parts) => Buffer.concat(parts))
  await fc.assert(
    fc.asyncProperty(stream, anyCuts, async (bytes, cuts) => {
      const outcomes = []
      for (const pieces of [[bytes], cutAt(bytes, cuts)]) {
        const [near, far] = streamPair()
        const socket = new Socket({ fd: far, readable: true, writable: true }).on('error', () => {})
        const { boundary } = countingBoundary()
        const heard: unknown[] = []
        await new Promise<void>((onEnd) => {
          const link: Link<unknown, unknown> = new Link(
            near,
            FROM_CHILD,
            serialized,
            {
              onMessage: (message) => void heard.push(message),
              onViolation: (what) => void heard.push(what),
              onEnd,
            },
            (handler) => boundary.guard('a message of a child', handler, () => link.close()),
          )
          for (const piece of pieces) socket.write(piece)
          socket.end()
          socket.resume()
        })
        socket.destroy()
        assert.equal(boundary.count, 0)
        outcomes.push(heard)
      }
      assert.deepEqual(outcomes[0], outcomes[1])
    }),
    { numRuns: 100 },
  )
})

/** The master's end of a link to a child that sends bytes of its own. */
function fromChild(t: TestContext) {
  const [near, far] = streamPair()
  const bytes = new Socket({ fd: far, readable: true, writable: true })
  bytes.on('error', () => {})
  const heard: unknown[] = []
  const violations: string[] = []
  const state = { ends: 0 }
  const link = new Link(near, FROM_CHILD, serialized, {
    onMessage: (message) => void heard.push(message),
    onViolation: (what) => void violations.push(what),
    onEnd: () => void state.ends++,
  })
  afterwards(t, () => {
    link.close()
    bytes.destroy()
  })
  return { bytes, heard, violations, state }
}

const body = (text: string): Buffer => {
  const head = Buffer.alloc(4)
  head.writeUInt32LE(Buffer.byteLength(text))
  return Buffer.concat([head, Buffer.from(text)])
}

const resolve = (wrong: object): string =>
  JSON.stringify({ kind: 'resolve', token: 1, pool: 0, name: 'a.test', ...wrong })

test('a question about a host is taken with what belongs to it', () => {
  const longest = `${'a'.repeat(63)}.`.repeat(3) + 'a'.repeat(61)
  for (const name of ['a.test', 'a_b-c.xn--p1ai', longest]) {
    const text = resolve({ name, token: Number.MAX_SAFE_INTEGER, more: 1 })
    const { more: _more, ...message } = JSON.parse(text)
    assert.deepEqual(FROM_CHILD.decode(Buffer.from(text)), message)
    assert.ok(text.length < FROM_CHILD.frameBytesMax)
  }
})

for (const [what, sent, violation] of [
  ['a message as its master writes them', frame({ kind: 'pong' }), /unknown message/],
  ['what is no JSON', body('{'), /unknown message/],
  ['a kind that is no text', body('{"kind":{"toString":1}}'), /unknown message/],
  ['a kind of another direction', body('{"kind":"start"}'), /unknown message/],
  ['a kind that every object has', body('{"kind":"constructor"}'), /unknown message/],
  ['null', body('null'), /unknown message/],
  ['an empty frame', body(''), /unknown message of 0 bytes/],
  ['a long frame', Buffer.of(1, 2, 0, 0), /a frame of 513 bytes/],
  ['a host that is no name', body(resolve({ name: 'a b' })), /unknown message/],
  ['a host in upper case', body(resolve({ name: 'A.test' })), /unknown message/],
  ['an address as host', body(resolve({ name: '10.0.0.1' })), /unknown message/],
  ['a host of 254 characters', body(resolve({ name: `${'a.'.repeat(126)}aa` })), /unknown message/],
  ['a host without a name', body(resolve({ name: '' })), /unknown message/],
  ['a host with a list as name', body(resolve({ name: ['a.test'] })), /unknown message/],
  ['a host of no pool', body(resolve({ pool: -1 })), /unknown message/],
  ['a host with a fraction as token', body(resolve({ token: 1.5 })), /unknown message/],
  ['a host with a text as token', body(resolve({ token: '1' })), /unknown message/],
  ['a frame without end', Buffer.of(0xff, 0xff, 0xff, 0xff), /a frame of 4294967295 bytes/],
  [
    '10,000 messages',
    Buffer.concat(new Array(10_000).fill(body('{"kind":"pong"}'))),
    /more than 1000 messages/,
  ],
] as const) {
  test(`a child that sends ${what} is reported once, and is not read any more`, async (t) => {
    const { bytes, heard, state, violations } = fromChild(t)
    bytes.write(Buffer.concat([body('{"kind":"log","more":[1]}'), sent, body('{"kind":"serving"}')]))
    await until('the end of the link', () => state.ends === 1)
    assert.equal(violations.length, 1)
    assert.match(violations[0] ?? '', violation)
    assert.deepEqual(heard[0], { kind: 'log' }, 'what else a message has is left out')
    assert.ok(!heard.some((message) => JSON.stringify(message) === '{"kind":"serving"}'))
  })
}

test('10,000 random frames are messages that there are, or none', () => {
  const seed = Date.now() % 2 ** 31
  const json = fc.json()
  const kinds = fc.constantFrom(
    'log',
    'serving',
    'retiring',
    'pong',
    'resolve',
    'start',
    '__proto__',
    1,
    null,
  )
  const frame = fc.oneof(
    json,
    fc.string(),
    fc
      .record({ kind: kinds, name: fc.string(), pool: fc.integer(), token: fc.anything() })
      .map((value) => JSON.stringify(value)),
  )
  fc.assert(
    fc.property(frame, (text) => {
      let message: unknown
      try {
        message = FROM_CHILD.decode(Buffer.from(text))
      } catch (error) {
        assert.ok(error instanceof SyntaxError, `${error}`)
      }
      if (message === undefined) return
      assert.ok(
        ['log', 'serving', 'retiring', 'pong', 'resolve'].includes((message as { kind: string }).kind),
      )
    }),
    { numRuns: 10_000, seed },
  )
})

test('what is no message from a trusted process ends the link, and nothing is thrown', async (t) => {
  const { bytes, end } = withBytes(t)
  await send(bytes, body('{"kind":"ping"}'))
  await end.isOver()
  assert.deepEqual(end.heard, [])
})
