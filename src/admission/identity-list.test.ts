import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ADMITS, type Answer, NO_ANSWER, REJECTS } from './access-table.js'
import { IdentityList, type IdentityRule } from './identity-list.js'

const JOE = 1000
const ANN = 1001
const STAFF = 50
const AUDIO = 29

function rule(isPermit: boolean, fields: Partial<IdentityRule>): IdentityRule {
  return { isPermit, isNegated: false, users: [], groups: [], ...fields }
}

/** What a list answers about users, each with these groups, the primary one first. */
function answers(rules: readonly IdentityRule[], ...clients: readonly (readonly number[])[]): Answer[] {
  const list = new IdentityList(rules)
  return clients.map(([user = 0, group = 0, ...groups]) => {
    return list.answer({ user, group, groups, groupCount: groups.length })
  })
}

test('a list in which no rule applies has no answer', () => {
  assert.deepEqual(answers([], [JOE, JOE]), [NO_ANSWER])
  assert.deepEqual(answers([rule(true, { users: [JOE] })], [JOE, JOE], [ANN, ANN]), [ADMITS, NO_ANSWER])
  assert.deepEqual(answers([rule(false, { users: [JOE] })], [JOE, JOE], [ANN, ANN]), [REJECTS, NO_ANSWER])
})

test('the first rule that applies decides', () => {
  const rules = [rule(false, { users: [JOE] }), rule(true, { groups: [STAFF] })]
  assert.deepEqual(answers(rules, [JOE, STAFF], [ANN, STAFF], [ANN, AUDIO]), [REJECTS, ADMITS, NO_ANSWER])
})

test('supplementary groups match, up to their count only', () => {
  const rules = [rule(true, { groups: [STAFF, AUDIO] })]
  assert.deepEqual(answers(rules, [JOE, JOE, 7, AUDIO], [JOE, JOE, 7]), [ADMITS, NO_ANSWER])
  assert.equal(
    new IdentityList(rules).answer({ user: JOE, group: JOE, groups: [7, STAFF], groupCount: 1 }),
    NO_ANSWER,
  )
})

test('`not` makes a rule apply to all other clients', () => {
  const rules = [
    rule(false, { isNegated: true, groups: [STAFF] }),
    rule(true, { isNegated: true, users: [ANN] }),
  ]
  assert.deepEqual(answers(rules, [JOE, STAFF], [ANN, STAFF], [JOE, AUDIO]), [ADMITS, NO_ANSWER, REJECTS])
})

test('groups are looked up only if a rule names one; a client is rejected if they are not reported', () => {
  const client = (groupCount: () => number) => ({
    user: JOE,
    group: JOE,
    groups: [],
    get groupCount() {
      return groupCount()
    },
  })
  const ofUser = new IdentityList([rule(true, { users: [JOE] })])
  assert.equal(ofUser.answer(client(() => assert.fail())), ADMITS)
  const ofBoth = new IdentityList([rule(true, { users: [JOE] }), rule(true, { groups: [STAFF] })])
  assert.equal(ofBoth.answer(client(() => -1)), REJECTS)
  assert.equal(ofBoth.rule, 'none')
})

test('rejects a client whose credentials are not reported', () => {
  assert.equal(new IdentityList([rule(true, { isNegated: true, users: [ANN] })]).answer(undefined), REJECTS)
})
