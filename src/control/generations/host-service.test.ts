import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planOf } from '../../../test/support/plans.js'
import { parseHostLiteral } from '../../base/address.js'
import { parseNetwork } from '../../base/cidr.js'
import { HostService } from './host-service.js'

const ANSWERS: Readonly<Record<string, readonly string[]>> = {
  'www.a.test': ['8.8.8.8', '10.0.0.1'],
  'inside.a.test': ['10.0.0.1', 'fd00::1'],
  'own.a.test': ['9.9.9.9', '9.9.9.8'],
}

const resolver = {
  lookUp: async (name: string) => {
    const addresses = (ANSWERS[name] ?? []).flatMap((host) => parseHostLiteral(host) ?? [])
    return { addresses, problem: addresses.length === 0 ? 'ENOTFOUND' : '', expiresAtMs: 900 }
  },
}

function serviceFor(...networks: readonly string[]) {
  const service = new HostService(
    resolver,
    () => 500,
    () => ['9.9.9.9'],
  )
  const dynamic = {
    names: ['*.a.test'],
    port: 443,
    timeoutMs: 5_000,
    networks: networks.flatMap((text) => parseNetwork(text) ?? []),
  }
  const [pool] = planOf({}).pools
  assert.ok(pool !== undefined)
  const rules = { plan: { pools: [pool, { ...pool, dynamic }] }, listenerHosts: ['9.9.9.8'] }
  return (name: string, pool = 1) => service.find(rules, { pool, name })
}

test('a name that the route does not allow, or of another pool, is not looked up', () => {
  const find = serviceFor()
  assert.equal(find('www.b.test'), undefined)
  assert.equal(find('a.test'), undefined)
  assert.equal(find(''), undefined)
  for (const pool of [0, 2]) assert.equal(find('www.a.test', pool), undefined)
})

test('the answer has permitted addresses, and how long they may be used', async () => {
  assert.deepEqual(await serviceFor()('www.a.test'), {
    addresses: [{ family: 'ipv4', host: '8.8.8.8' }],
    reason: undefined,
    cause: '',
    ttlMs: 400,
  })
})

test('without permitted addresses the answer says which there are', async () => {
  const answer = await serviceFor()('inside.a.test')
  assert.deepEqual([answer?.reason, answer?.cause], ['address-not-allowed', '10.0.0.1, fd00::1'])
  assert.equal(answer?.addresses.length, 0)
  const allowed = await serviceFor('10.0.0.0/8')('inside.a.test')
  assert.deepEqual(allowed?.addresses, [{ family: 'ipv4', host: '10.0.0.1' }])
})

test('addresses of this machine and of listeners are not permitted', async () => {
  assert.equal((await serviceFor()('own.a.test'))?.reason, 'address-not-allowed')
})

test('a failure is passed on with its code', async () => {
  const answer = await serviceFor()('none.a.test')
  assert.deepEqual(answer, { addresses: [], reason: 'name-not-resolved', cause: 'ENOTFOUND', ttlMs: 400 })
})
