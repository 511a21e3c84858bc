import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeWorld } from '../../../test/config/fake-world.js'
import { AccessList } from '../../admission/access-list.js'
import { IdentityList } from '../../admission/identity-list.js'
import { hostBytes } from '../../base/address.js'
import { loadConfiguration } from '../../config/load.js'
import { admissionPlan } from './admission-plan.js'

const REMOTE = 'id = tcprelay { remote { 1.2.3.4:5 } }'

/** Who is admitted, and why others are not: a client of each kind that a rule denies, and one that none matches. */
function answers(...rules: readonly string[]) {
  const text = `id = spawnd {\nlisten { port = 1 }\n${rules.join('\n')}\n}\n${REMOTE}`
  const { problems, spawnd } = loadConfiguration({
    file: 'case',
    ...fakeWorld({ case: text, list: '192.0.2.0/24' }),
    environment: new Map(),
    masterId: 'spawnd',
    childId: 'tcprelay',
    isInetd: false,
  })
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  const { accessTable, identityRules } = admissionPlan(spawnd)
  const networks = new AccessList(accessTable)
  const identities = new IdentityList(identityRules)
  const ofIp = (host: string) => (networks.admits(hostBytes(host)) ? 'in' : networks.rule)
  const ofUser = (user: number) => (identities.admits(user, user, [], 0) ? 'in' : identities.rule)
  return [ofIp('192.0.2.1'), ofIp('10.0.0.1'), ofIp('2001:db8::1'), ofUser(7), ofUser(8)].join(' ')
}

test('without `default`, clients are rejected if there are rules for their kind', () => {
  assert.equal(answers(), 'in in in in in')
  assert.equal(answers('deny 192.0.2.0/24'), 'case:3 none none in in')
  assert.equal(answers('deny user = 7'), 'in in in case:3 none')
})

test('`default = permit` admits clients that no rule matches, wherever it stands', () => {
  assert.equal(answers('default = permit', 'deny 192.0.2.0/24'), 'case:4 in in in in')
  assert.equal(answers('deny file = list', 'default = permit'), 'list:1 in in in in')
  assert.equal(answers('deny user = 7', 'default = permit'), 'in in in case:3 in')
})

test('`default = permit` without rules asks for no credentials', () => {
  const { identityRules } = admissionPlan({
    accessRules: [],
    accessDefault: { value: 'permit', position: { file: 'case', line: 1, column: 1 } },
  })
  assert.deepEqual(identityRules, [])
})

test('`default = deny` rejects clients that no rule matches, by its name, whatever their kind', () => {
  assert.equal(answers('permit 192.0.2.0/24', 'default = deny'), 'in case:4 case:4 case:4 case:4')
  assert.equal(answers('default = deny'), 'case:3 case:3 case:3 case:3 case:3')
})
