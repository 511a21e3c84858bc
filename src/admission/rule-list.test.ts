import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { runs, proxySeed as seedOfRun } from '../../test/support/proxy-runs.js'
import { factsOf, type GivenFacts } from '../../test/support/route-facts.js'
import { hostBytes } from '../base/address.js'
import { parseNetwork } from '../base/cidr.js'
import { ADMITS, type Answer, NO_ANSWER, REJECTS } from './access-table.js'
import { type AddressRule, compileAccess } from './compile-access.js'
import type { RouteConditions } from './route-plan.js'
import { type RuleClient, RuleList } from './rule-list.js'
import type { RuleListPlan, RuleStep } from './rule-list-plan.js'
import { ZoneClock } from './zone-clock.js'

/** A Monday. */
const NOON_MS = Date.UTC(2026, 0, 5, 12)
const WORKDAYS = [{ days: 62, fromMinute: 480, toMinute: 1080, zone: 'UTC' }]
const NIGHTS = [{ days: 127, fromMinute: 0, toMinute: 360, zone: 'UTC' }]

interface TestRule {
  readonly isPermit: boolean
  readonly isNegated: boolean
  readonly about:
    | { readonly network: string }
    | { readonly user: number }
    | { readonly conditions: RouteConditions }
}

interface TestClient extends GivenFacts {
  /** Of a client of a Unix socket. */
  readonly uid: number
}

const rule: fc.Arbitrary<TestRule> = fc.record({
  isPermit: fc.boolean(),
  isNegated: fc.boolean(),
  about: fc.oneof(
    fc.record({ network: fc.constantFrom('10.0.0.0/8', '10.1.0.0/16', '10.1.0.1', '::/0', '2001:db8::/32') }),
    fc.record({ user: fc.constantFrom(7, 8) }),
    fc.record({
      conditions: fc.constantFrom<RouteConditions>(
        { serverNames: ['a.test'] },
        { serverNames: ['*.test'] },
        { alpn: ['h2'] },
        { tlsVersions: ['TLSv1.3'] },
        { protocols: ['ssh', 'tls'] },
        { certificate: { issuers: ['CN=ca'] } },
        { times: WORKDAYS },
        { times: NIGHTS },
      ),
    }),
  ),
})

const client: fc.Arbitrary<TestClient> = fc.record({
  client: fc.constantFrom('10.0.0.1', '10.1.0.1', '10.1.0.2', '192.0.2.1', '2001:db8::1', undefined),
  uid: fc.constantFrom(7, 8, 9),
  serverName: fc.constantFrom('', 'a.test', 'b.test'),
  alpn: fc.constantFrom([], ['h2']),
  tlsVersion: fc.constantFrom('', 'TLSv1.3'),
  protocol: fc.constantFrom('', 'ssh', 'any'),
  certificate: fc.constantFrom(undefined, { issuer: 'CN=ca' }),
})

function network(text: string) {
  const parsed = parseNetwork(text)
  assert.ok(parsed)
  return parsed
}

/** One step for each rule, or for neighbouring rules about addresses. */
function planOf(rules: readonly TestRule[], isPermit: boolean): RuleListPlan {
  const steps: RuleStep[] = []
  let addresses: AddressRule[] = []
  const end = () => {
    if (addresses.length > 0) steps.push({ kind: 'addresses', table: compileAccess(addresses) })
    addresses = []
  }
  for (const [i, { about, ...verdict }] of rules.entries()) {
    const position = { file: 'x', line: i + 1 }
    if ('network' in about) addresses.push({ ...verdict, position, networks: [network(about.network)] })
    else {
      end()
      if ('user' in about)
        steps.push({ kind: 'identities', rules: [{ ...verdict, position, users: [about.user], groups: [] }] })
      else steps.push({ kind: 'condition', ...verdict, position, conditions: about.conditions })
    }
  }
  end()
  return { steps, ofIp: { isPermit }, ofUnix: { isPermit } }
}

function ruleClient({ client, uid }: TestClient): RuleClient {
  const address = client === undefined ? new Uint8Array(0) : hostBytes(client)
  const identity = () => ({ user: uid, group: 1, groups: [], groupCount: 0 })
  return { address, addressAt: 0, addressByteCount: address.length, identity }
}

/** Whether a rule matches a client; undefined: it is not about its kind. */
function matches({ about }: TestRule, client: TestClient): boolean | undefined {
  const isIp = client.client !== undefined
  if ('network' in about) {
    if (!isIp) return undefined
    const list = compileAccess([{ isPermit: true, isNegated: false, networks: [network(about.network)] }])
    return (
      new RuleList(
        {
          steps: [{ kind: 'addresses', table: list }],
          ofIp: { isPermit: false },
          ofUnix: { isPermit: false },
        },
        new ZoneClock(),
        () => 0,
      ).decide(ruleClient(client), undefined) === ADMITS
    )
  }
  if ('user' in about) return isIp ? undefined : client.uid === about.user
  const { alpn, certificate, protocols, serverNames, times, tlsVersions } = about.conditions
  if (times !== undefined) return times === WORKDAYS
  if (alpn !== undefined) return client.alpn?.includes('h2') === true
  if (tlsVersions !== undefined) return client.tlsVersion === 'TLSv1.3'
  if (protocols !== undefined) return client.protocol === 'ssh'
  if (certificate !== undefined) return client.certificate?.issuer === 'CN=ca'
  return serverNames?.[0] === '*.test' ? client.serverName !== '' : client.serverName === 'a.test'
}

/** The first rule that applies, one by one, and its line. */
function reference(
  rules: readonly TestRule[],
  isPermit: boolean,
  client: TestClient,
): readonly [Answer, string] {
  for (const [i, rule] of rules.entries()) {
    const isMatch = matches(rule, client)
    if (isMatch === undefined || isMatch === rule.isNegated) continue
    return [rule.isPermit ? ADMITS : REJECTS, `x:${i + 1}`]
  }
  return [isPermit ? ADMITS : REJECTS, 'none']
}

const seed = seedOfRun()

test(`decides as if rules were asked one by one, and names the rule that rejects (seed ${seed})`, () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 8 }), fc.boolean(), client, (rules, isPermit, given) => {
      const list = new RuleList(planOf(rules, isPermit), new ZoneClock(), () => NOON_MS)
      const [answer, name] = reference(rules, isPermit, given)
      assert.equal(list.decide(ruleClient(given), factsOf(given)), answer)
      if (answer === REJECTS) assert.equal(list.rule, name)
    }),
    { seed, numRuns: runs(1_000) },
  )
})

test(`without facts it decides only what no facts can change (seed ${seed})`, () => {
  const facts = client.map(({ client: _client, uid: _uid, ...others }) => others)
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 8 }),
      fc.boolean(),
      client,
      fc.array(facts, { minLength: 1, maxLength: 4 }),
      (rules, isPermit, given, others) => {
        const list = new RuleList(planOf(rules, isPermit), new ZoneClock(), () => NOON_MS)
        const first = list.decide(ruleClient(given), undefined)
        for (const other of others) {
          const second = list.decide(ruleClient(given), factsOf({ ...given, ...other }))
          assert.notEqual(second, NO_ANSWER)
          if (first !== NO_ANSWER) assert.equal(second, first)
        }
      },
    ),
    { seed, numRuns: runs(1_000) },
  )
})

test('a rule about facts leaves open only what it would change', () => {
  const byName = (isPermit: boolean): TestRule => {
    return { isPermit, isNegated: false, about: { conditions: { serverNames: ['a.test'] } } }
  }
  const tens = (isPermit: boolean): TestRule => {
    return { isPermit, isNegated: false, about: { network: '10.0.0.0/8' } }
  }
  const first = (rules: readonly TestRule[], isPermit: boolean) => {
    const list = new RuleList(planOf(rules, isPermit), new ZoneClock(), () => NOON_MS)
    return list.decide(ruleClient({ client: '10.0.0.1', uid: 0 }), undefined)
  }
  assert.equal(first([byName(false), tens(false)], true), REJECTS)
  assert.equal(first([byName(false), tens(true)], true), NO_ANSWER)
  assert.equal(first([byName(true), tens(true)], false), ADMITS)
  assert.equal(first([byName(true)], false), NO_ANSWER)
  assert.equal(first([tens(true), byName(false)], false), ADMITS)
})
