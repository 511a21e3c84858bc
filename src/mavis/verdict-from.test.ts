import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AttributeName, AV } from '../base/mavis-attributes.js'
import { type Code, DOWN, FINAL, IGNORE, TIMEOUT } from './module.js'
import { verdictFrom } from './verdict-from.js'

type Named = Partial<Record<AttributeName, string>>

function values(named: Named): (string | undefined)[] {
  const all: (string | undefined)[] = []
  for (const [name, value] of Object.entries(named)) all[AV[name as AttributeName]] = value
  return all
}

const ASKED: Named = { TYPE: 'TACPLUS', TACTYPE: 'HOST', USER: '192.0.2.1', SERIAL: 's1' }

function verdictOf(
  answer: Named,
  {
    code = FINAL,
    fallback = 'deny',
    members = [],
  }: { code?: Code; fallback?: 'permit' | 'deny'; members?: string[] } = {},
): string {
  const verdict = verdictFrom(values(ASKED), values({ ...ASKED, ...answer }), code, { fallback, members })
  if (verdict.isPermitted) return 'permit'
  return verdict.comment === '' ? verdict.refusal : `${verdict.refusal}: ${verdict.comment}`
}

test('permits on ACK and denies on NAK with its comment', () => {
  assert.equal(verdictOf({ RESULT: 'ACK' }), 'permit')
  assert.equal(verdictOf({ RESULT: 'NAK' }), 'denied')
  assert.equal(verdictOf({ RESULT: 'NAK', COMMENT: 'not on \xc3\xa9aster' }), 'denied: not on éaster')
  assert.equal(verdictOf({ RESULT: 'NAK', USER_RESPONSE: 'go away' }), 'denied: go away')
  assert.equal(verdictOf({ RESULT: 'NAK', COMMENT: 'x'.repeat(1_000) }).length, 'denied: '.length + 200)
})

test('applies `mavis default` to NFD only, never to errors', () => {
  for (const answer of [{}, { RESULT: 'NFD' }]) {
    assert.equal(verdictOf(answer), 'not-found')
    assert.equal(verdictOf(answer, { fallback: 'permit' }), 'permit')
  }
  const permissive = { fallback: 'permit' } as const
  assert.equal(verdictOf({ RESULT: 'ERR', COMMENT: 'no database' }, permissive), 'error: no database')
  assert.equal(verdictOf({ RESULT: 'NAK' }, permissive), 'denied')
  assert.equal(verdictOf({ RESULT: 'ack' }, permissive), "error: unknown RESULT 'ack' in the answer")
  assert.equal(verdictOf({ RESULT: 'ACK' }, { ...permissive, code: IGNORE }), 'error')
  assert.equal(verdictOf({ RESULT: 'ACK' }, { ...permissive, code: DOWN }), 'error')
  assert.equal(verdictOf({ RESULT: 'ACK' }, { ...permissive, code: TIMEOUT }), 'timeout')
})

test('does not apply `mavis default = permit` with required members', () => {
  for (const answer of [{}, { RESULT: 'NFD' }, { RESULT: 'NFD', TACMEMBER: 'staff' }])
    assert.equal(verdictOf(answer, { fallback: 'permit', members: ['staff'] }), 'not-member')
})

test('rejects an ACK that answers another query', () => {
  for (const name of ['TYPE', 'TACTYPE', 'USER', 'SERIAL'] as const)
    assert.equal(
      verdictOf({ RESULT: 'ACK', [name]: 'other' }),
      `error: the answer changed ${name} to 'other'`,
    )
  const without = values({ RESULT: 'ACK' })
  const verdict = verdictFrom(values(ASKED), without, FINAL, { fallback: 'permit', members: [] })
  assert.equal(verdict.isPermitted, false)
})

test('requires one of the groups of `mavis require member`', () => {
  const members = ['staff', 'wheel']
  const groups = (answer: Named) => verdictOf({ RESULT: 'ACK', ...answer }, { members })
  assert.equal(groups({}), 'not-member')
  assert.equal(groups({ TACMEMBER: 'staff' }), 'permit')
  assert.equal(groups({ TACMEMBER: '"guests","wheel"' }), 'permit')
  assert.equal(groups({ TACMEMBER: 'guests, wheel' }), 'permit')
  assert.equal(groups({ TACMEMBER: 'staffs' }), 'not-member')
  assert.equal(groups({ TACMEMBER: '"staff,wheel"' }), 'not-member')
  assert.equal(groups({ MEMBEROF: '"CN=guests,OU=x","CN=staff,OU=people,DC=example"' }), 'permit')
  assert.equal(groups({ MEMBEROF: '"CN=guests,OU=staff"' }), 'not-member')
})
