import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock, FakePoller } from '../../../test/support/fake-poller.js'
import { Loop } from '../../reactor/loop.js'
import type { Session } from '../session.js'
import { type QuestionNews, Questions } from './questions.js'

const QUESTION = {
  childSlot: 0,
  client: '192.0.2.1',
  server: '',
  realm: '',
  serverName: undefined,
  identity: undefined,
} as const

function world() {
  const loop = new Loop(new FakePoller(), new FakeClock())
  const posted: QuestionNews[] = []
  const questions = new Questions(loop, (news) => posted.push(news))
  // All that they know of a session.
  const session = () => ({ questionToken: 0 }) as Session
  return { loop, posted, questions, session }
}

const tokensOf = ({ asked, withdrawn }: QuestionNews) => [asked.map(({ token }) => token), withdrawn]

test('questions of one turn are sent in one message', () => {
  const { loop, posted, questions, session } = world()
  for (let i = 0; i < 3; i++) assert.ok(questions.ask(session(), QUESTION))
  assert.equal(posted.length, 0)
  loop.turn(0)
  loop.turn(0)
  assert.deepEqual(posted.map(tokensOf), [[[1, 2, 3], []]])
})

test('an answer matches its session once', () => {
  const { loop, questions, session } = world()
  const asking = session()
  questions.ask(asking, QUESTION)
  loop.turn(0)
  assert.equal(questions.take(1), asking)
  assert.equal(asking.questionToken, 0)
  assert.equal(questions.take(1), undefined)
  assert.equal(questions.openCount, 0)
})

test('a withdrawn question matches no answer and is reported to the control thread', () => {
  const { loop, posted, questions, session } = world()
  const [gone, stays] = [session(), session()]
  questions.ask(gone, QUESTION)
  loop.turn(0)
  questions.withdraw(gone)
  questions.ask(stays, QUESTION)
  loop.turn(0)
  assert.deepEqual(posted.map(tokensOf), [
    [[1], []],
    [[2], [1]],
  ])
  assert.equal(questions.take(1), undefined)
  assert.equal(questions.take(2), stays)
})

test('a question withdrawn in its own turn is never sent', () => {
  const { loop, posted, questions, session } = world()
  const gone = session()
  questions.ask(gone, QUESTION)
  questions.withdraw(gone)
  loop.turn(0)
  assert.deepEqual(posted, [])
})

test('at most 10,000 questions are open', () => {
  const { questions, session } = world()
  for (let i = 0; i < 10_000; i++) assert.ok(questions.ask(session(), QUESTION))
  const one = session()
  assert.equal(questions.ask(one, QUESTION), false)
  questions.take(1)
  assert.equal(questions.ask(one, QUESTION), true)
})
