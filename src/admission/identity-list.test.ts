import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IdentityList, type IdentityRule } from './identity-list.js'

const JOE = 1000
const ANN = 1001
const STAFF = 50
const AUDIO = 29

function rule(isPermit: boolean, fields: Partial<IdentityRule>): IdentityRule {
  return { isPermit, isNegated: false, users: [], groups: [], ...fields }
}

/** The users that a list admits, each with these groups, the primary one first. */
function admitted(rules: readonly IdentityRule[], ...clients: readonly (readonly number[])[]): boolean[] {
  const list = new IdentityList(rules)
  return clients.map(([user = 0, group = 0, ...further]) => list.admits(user, group, further, further.length))
}

test('an empty list admits every client, a list in which no rule applies rejects', () => {
  assert.deepEqual(admitted([], [JOE, JOE]), [true])
  assert.deepEqual(admitted([rule(true, { users: [JOE] })], [JOE, JOE], [ANN, ANN]), [true, false])
  assert.deepEqual(admitted([rule(false, { users: [JOE] })], [JOE, JOE], [ANN, ANN]), [false, false])
})

test('the first rule that applies decides', () => {
  const rules = [rule(false, { users: [JOE] }), rule(true, { groups: [STAFF] })]
  assert.deepEqual(admitted(rules, [JOE, STAFF], [ANN, STAFF], [ANN, AUDIO]), [false, true, false])
})

test('supplementary groups match, up to their count only', () => {
  const rules = [rule(true, { groups: [STAFF, AUDIO] })]
  assert.deepEqual(admitted(rules, [JOE, JOE, 7, AUDIO], [JOE, JOE, 7]), [true, false])
  assert.equal(new IdentityList(rules).admits(JOE, JOE, [7, STAFF], 1), false)
})

test('`not` makes a rule apply to all other clients', () => {
  const rules = [
    rule(false, { isNegated: true, groups: [STAFF] }),
    rule(true, { isNegated: true, users: [ANN] }),
  ]
  assert.deepEqual(admitted(rules, [JOE, STAFF], [ANN, STAFF], [JOE, AUDIO]), [true, false, false])
})

test('groups are looked up only if a rule names one', () => {
  assert.equal(new IdentityList([rule(true, { users: [JOE] })]).asksGroups, false)
  assert.equal(
    new IdentityList([rule(true, { users: [JOE] }), rule(true, { groups: [STAFF] })]).asksGroups,
    true,
  )
})
