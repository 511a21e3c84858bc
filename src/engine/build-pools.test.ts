/** Relays that share nothing choose the same remote for a client: by the names of the remotes, not by their order or slots. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anySeed } from '../../test/support/chi-square.js'
import { planOfText } from '../../test/support/simulation-plan.js'
import { hashWord } from '../balance/hash.js'
import { RandomSource } from '../balance/random-source.js'
import { RemoteHealth } from '../balance/remote-health.js'
import { SlotSet } from '../balance/slot-set.js'
import { localPolicyMemory } from '../cells/policy-memory.js'
import { poolOf, remoteArrays } from './build-pools.js'

const ROUNDS = 6
const CLIENTS = 500
const POLICIES = ['maglev', 'source'] as const

/** Two remotes with equal hashes of their names. */
const TWINS = ['10.0.2.254', '10.0.144.191'].map(
  (address): Member => ({ name: `${address}:8081`, text: `address = ${address} port = 8081` }),
)

interface Member {
  readonly name: string
  /** Within the braces of `remote`. */
  readonly text: string
}

const below = (random: RandomSource, end: number) => Math.floor(random.next() * end)

function shuffled<T>(items: readonly T[], random: RandomSource): T[] {
  return items
    .map((item) => ({ item, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

/** Up to 40 remotes, with names of all forms, weights from 0 to 99, and now and then in two tiers. */
function someMembers(random: RandomSource): Member[] {
  const hasTiers = random.next() < 0.2
  return Array.from({ length: 1 + below(random, 40) }, (_, i): Member => {
    const host = [`10.1.${below(random, 256)}.${i}`, `[2001:db8::${i + 1}]`, `db${i}.example.com`][
      below(random, 3)
    ]
    const port = 1 + below(random, 65_535)
    const own = random.next() < 0.3 ? `web-${i}` : undefined
    const weight = i === 0 ? 1 : below(random, 100)
    const tier = hasTiers ? ` tier = ${below(random, 2)}` : ''
    const name = own === undefined ? '' : `name = ${own} `
    const address = host?.startsWith('[') ? host.slice(1, -1) : host
    return {
      name: own ?? `${host}:${port}`,
      text: `${name}address = ${address} port = ${port} weight = ${weight}${tier}`,
    }
  })
}

/** A configuration with these remotes in its pool `web`, beside and after other pools. */
function configurationOf(members: readonly Member[], policy: string, random: RandomSource): string {
  const web = `pool = web { balance = ${policy} ${members.map(({ text }) => `remote = { ${text} }`).join(' ')} }`
  const others = Array.from({ length: below(random, 4) }, (_, i) => {
    const remotes = Array.from({ length: 1 + below(random, 5) }, (_, k) => `remote = { 10.2.${i}.${k}:80 }`)
    return `pool = other${i} { ${remotes.join(' ')} }`
  })
  const port = 1 + below(random, 60_000)
  return `id = spawnd { listen { port = ${port} pool = web } }
    id = tcprelay { ${shuffled([web, ...others], random).join(' ')} }`
}

/** The names of the remotes that clients get in a relay with this configuration, while those named in `down` refuse. */
function choices(text: string, down: ReadonlySet<string>): string[] {
  const { plan } = planOfText(text)
  const web = plan.pools.find(({ name }) => name === 'web')
  assert.ok(web)
  const count = plan.remotes.length
  const cells = {
    use: new Int32Array(count),
    policies: localPolicyMemory(count),
    verdict: new Int32Array(count),
    upAtMs: new Float64Array(count),
  }
  const pool = poolOf(web, remoteArrays(plan), cells, new RemoteHealth(count))
  const tried = new SlotSet()
  for (const slot of web.members) if (down.has(plan.remotes[slot]?.name ?? '')) tried.add(slot)
  return Array.from({ length: CLIENTS }, (_, client) => {
    const slot = pool.pick(tried, 0, hashWord(client, 0))
    return plan.remotes[slot]?.name ?? 'none'
  })
}

for (const policy of POLICIES) {
  test(`${policy}: a client gets the same remote in relays with other orders, pools and ports`, (t) => {
    const seed = anySeed()
    const random = new RandomSource(seed)
    t.diagnostic(`seed ${seed}`)
    let moved = 0
    let stayed = 0
    for (let round = 0; round < ROUNDS; round++) {
      const others = someMembers(random)
      const members = [...others, ...TWINS]
      const inRelay = (members: readonly Member[], down = new Set<string>()) =>
        choices(configurationOf(shuffled(members, random), policy, random), down)
      const before = inRelay(members)
      assert.deepEqual(inRelay(members), before)
      assert.ok(!before.includes('none'))

      const gone = others[below(random, others.length)]?.name ?? ''
      const without = inRelay(members, new Set([gone]))
      assert.deepEqual(inRelay(members, new Set([gone])), without, `${gone} is down`)
      for (const [client, name] of before.entries()) if (name !== gone) assert.equal(without[client], name)

      const rest = members.filter(({ name }) => name !== gone)
      const after = inRelay(rest)
      assert.deepEqual(inRelay(rest), after, `${gone} is removed`)
      for (const [client, name] of before.entries()) {
        if (name === gone) continue
        if (after[client] === name) stayed++
        else moved++
      }
    }
    const share = moved / (moved + stayed)
    t.diagnostic(`${(100 * share).toFixed(2)} % of the clients of remotes that stay have moved`)
    assert.ok(policy === 'source' ? moved === 0 : share < 0.03)
  })
}
