import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SmallCommand, SmallSettings } from '../../../test/support/small-reactor.js'
import { countOpenDescriptors } from '../../kernel/limits.js'
import { ReactorThread } from './reactor-thread.js'

const ENTRY = new URL('../../../test/support/small-reactor.js', import.meta.url)

/** What it says; most tests let it say something else. */
interface Said {
  readonly kind: string
}

/** A real thread that echoes, and what it has said so far. */
class Subject {
  readonly reports: unknown[] = []
  readonly failures: Error[] = []
  readonly thread: ReactorThread<SmallSettings, SmallCommand, Said>
  #onNews: () => void = () => {}

  constructor(throwsAtOnce = false) {
    this.thread = new ReactorThread(ENTRY)
    this.thread.start(
      { throwsAtOnce },
      {
        onReport: (report) => this.#note(this.reports, report),
        onFailure: (error) => this.#note(this.failures, error),
      },
    )
  }

  /** Resolves once that much has been said. */
  async heard(reports: number, failures = 0): Promise<void> {
    while (this.reports.length < reports || this.failures.length < failures) {
      await new Promise<void>((resolve) => {
        this.#onNews = resolve
      })
    }
  }

  end(): Promise<void> {
    return new Promise((resolve) => this.thread.end({ kind: 'stop' }, resolve))
  }

  #note<T>(list: T[], item: T): void {
    list.push(item)
    this.#onNews()
  }
}

test('commands reach a reactor that waits in its poller, in order', { timeout: 10_000 }, async () => {
  const subject = new Subject()
  await subject.heard(1)
  for (let i = 0; i < 1_000; i++) subject.thread.post({ kind: 'echo', value: i })
  await subject.heard(1_001)
  assert.deepEqual(subject.reports, ['open', ...Array.from({ length: 1_000 }, (_, i) => i)])
  // One at a time: each has to wake the thread again.
  for (let i = 0; i < 100; i++) {
    subject.thread.post({ kind: 'echo', value: i })
    await subject.heard(1_002 + i)
  }
  await subject.end()
})

test('a reactor without commands sleeps', { timeout: 10_000 }, async () => {
  const subject = new Subject()
  await subject.heard(1)
  const waits = async (heard: number): Promise<number> => {
    subject.thread.post({ kind: 'waits' })
    await subject.heard(heard)
    return Number(subject.reports.at(-1))
  }
  const before = await waits(2)
  for (let i = 0; i < 200; i++) await waits(3 + i)
  const rounds = (await waits(203)) - before
  // Each command is one turn; a command that comes between its message and its wake makes a second one.
  assert.ok(rounds <= 402, `${rounds} turns for 201 commands`)
  await subject.end()
})

test('commands that are posted before the mailbox is open are not lost', { timeout: 10_000 }, async () => {
  const subject = new Subject()
  for (const value of ['a', { b: [1, undefined] }]) subject.thread.post({ kind: 'echo', value })
  await subject.heard(3)
  assert.deepEqual(subject.reports, ['open', 'a', { b: [1, undefined] }])
  await subject.end()
})

test('a stop that is posted before the mailbox is open stops it', { timeout: 10_000 }, async () => {
  const subject = new Subject()
  await subject.end()
  assert.deepEqual([subject.reports, subject.failures], [['open'], []])
})

test('what the thread throws is reported, and it is gone', { timeout: 10_000 }, async () => {
  const subject = new Subject()
  subject.thread.post({ kind: 'throw', value: new TypeError('in the loop') })
  await subject.heard(1, 1)
  const [error] = subject.failures
  assert.ok(error instanceof TypeError && error.message === 'in the loop')
  await subject.end()
  subject.thread.post({ kind: 'echo', value: 'nobody hears this' })
  await subject.end()
  assert.deepEqual(subject.reports, ['open'])
})

test('what is thrown and is no Error is reported as one', { timeout: 10_000 }, async () => {
  const subject = new Subject()
  subject.thread.post({ kind: 'throw', value: 'a word' })
  await subject.heard(1, 1)
  assert.equal(subject.failures[0]?.message, 'a word')
  await subject.end()
})

test('a thread that fails before it runs is reported', { timeout: 10_000 }, async () => {
  const subject = new Subject(true)
  await subject.heard(0, 1)
  assert.equal(subject.failures[0]?.message, 'at once')
  await subject.end()
})

test('a thread leaves no descriptor', { timeout: 20_000 }, async () => {
  const warmUp = new Subject()
  await warmUp.end()
  const before = countOpenDescriptors()
  for (let i = 0; i < 5; i++) {
    const subject = new Subject(i % 2 === 0)
    await subject.end()
  }
  assert.equal(countOpenDescriptors(), before)
})

test('an ask settles with the report of its kind, others are reported', { timeout: 10_000 }, async () => {
  const subject = new Subject()
  await subject.heard(1)
  const answer = subject.thread.ask(
    { kind: 'echo', value: { kind: 'prepared', problem: 'none' } },
    'prepared',
  )
  subject.thread.post({ kind: 'echo', value: { kind: 'log' } })
  assert.deepEqual(await answer, { kind: 'prepared', problem: 'none' })
  await subject.heard(2)
  assert.deepEqual(subject.reports.slice(1), [{ kind: 'log' }])
  await subject.end()
})

test('an ask settles with undefined when the thread ends before the answer', {
  timeout: 10_000,
}, async () => {
  const subject = new Subject()
  await subject.heard(1)
  const answer = subject.thread.ask({ kind: 'echo', value: 'something else' }, 'reloaded')
  await subject.end()
  assert.equal(await answer, undefined)
  assert.equal(await subject.thread.ask({ kind: 'echo', value: 'late' }, 'reloaded'), undefined)
})

test('an ask is replaced by a later one of its kind', { timeout: 10_000 }, async () => {
  const subject = new Subject()
  await subject.heard(1)
  const first = subject.thread.ask({ kind: 'waits' }, 'prepared')
  const second = subject.thread.ask({ kind: 'echo', value: { kind: 'prepared' } }, 'prepared')
  assert.deepEqual([await first, await second], [undefined, { kind: 'prepared' }])
  await subject.end()
})
