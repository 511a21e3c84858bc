import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeWorld } from '../../../test/config/fake-world.js'
import { ADMITS } from '../../admission/access-table.js'
import { type RuleClient, RuleList } from '../../admission/rule-list.js'
import { ZoneClock } from '../../admission/zone-clock.js'
import { hostBytes } from '../../base/address.js'
import { loadConfiguration } from '../../config/load.js'
import { accessPlan } from './admission-plan.js'

const REMOTE = 'id = tcprelay { remote { 1.2.3.4:5 } }'

/** Who is admitted, and why others are not: a client of each kind that a rule denies, and one that none matches. */
function answers(...rules: readonly string[]) {
  const text = `id = spawnd {\nlisten { port = 1 }\n${rules.join('\n')}\n}\n${REMOTE}`
  const { problems, spawnd, tcprelay } = loadConfiguration({
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
  const { section } = accessPlan({ spawnd, tcprelay, geo: new Map() })
  const list = new RuleList(section, new ZoneClock(), () => 0)
  const answer = (client: RuleClient) => (list.decide(client, undefined) === ADMITS ? 'in' : list.rule)
  const ofIp = (host: string) => {
    const address = hostBytes(host)
    return answer({ address, addressAt: 0, addressByteCount: address.length, identity: () => undefined })
  }
  const ofUser = (user: number) => {
    const identity = () => ({ user, group: user, groups: [], groupCount: 0 })
    return answer({ address: new Uint8Array(0), addressAt: 0, addressByteCount: 0, identity })
  }
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
  const position = { file: 'case', line: 1, column: 1 }
  const spawnd = { accessRules: [], accessDefault: { value: 'permit' as const, position }, listeners: [] }
  const { section } = accessPlan({ spawnd, tcprelay: { routes: [] }, geo: new Map() })
  assert.deepEqual(section.steps, [])
})

test('`default = deny` rejects clients that no rule matches, by its name, whatever their kind', () => {
  assert.equal(answers('permit 192.0.2.0/24', 'default = deny'), 'in case:4 case:4 case:4 case:4')
  assert.equal(answers('default = deny'), 'case:3 case:3 case:3 case:3 case:3')
})
