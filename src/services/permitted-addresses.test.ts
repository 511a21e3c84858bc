import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HostLiteral, parseHostLiteral } from '../base/address.js'
import { parseNetwork } from '../base/cidr.js'
import { machineAddresses, permittedAddresses } from './permitted-addresses.js'

function literals(...hosts: readonly string[]): readonly HostLiteral[] {
  return hosts.flatMap((host) => parseHostLiteral(host) ?? [])
}

function permitted(found: readonly string[], allowed: readonly string[] = [], own: readonly string[] = []) {
  const networks = allowed.flatMap((text) => parseNetwork(text) ?? [])
  return permittedAddresses(literals(...found), networks, new Set(own)).map(({ host }) => host)
}

test('only public addresses are left of an answer', () => {
  assert.deepEqual(permitted(['10.0.0.1', '8.8.8.8', '127.0.0.1', '::1', 'fd00::1']), ['8.8.8.8'])
  assert.deepEqual(permitted(['::ffff:10.0.0.1', '::ffff:127.0.0.1', '169.254.169.254']), [])
})

test('an IPv4-mapped address is checked and used as IPv4', () => {
  assert.deepEqual(permitted(['::ffff:8.8.8.8']), ['8.8.8.8'])
  assert.deepEqual(permitted(['::ffff:10.0.0.1'], ['10.0.0.0/8']), ['10.0.0.1'])
  assert.deepEqual(permitted(['::ffff:8.8.8.8'], [], ['8.8.8.8']), [])
})

test('networks that are allowed, and no others, are used besides', () => {
  assert.deepEqual(permitted(['10.0.0.1', '10.1.0.1', 'fd00::1'], ['10.0.0.0/16', 'fd00::/8']), [
    'fd00::1',
    '10.0.0.1',
  ])
})

test('a public address of this machine is used only if it is allowed', () => {
  assert.deepEqual(permitted(['9.9.9.9', '8.8.8.8'], [], ['9.9.9.9']), ['8.8.8.8'])
  assert.deepEqual(permitted(['9.9.9.9'], ['9.9.9.9/32'], ['9.9.9.9']), ['9.9.9.9'])
})

test('families alternate, and at most eight addresses are left', () => {
  const ipv6 = ['2606:4700::1', '2606:4700::2']
  const ipv4 = Array.from({ length: 9 }, (_, i) => `8.8.8.${i + 1}`)
  assert.deepEqual(permitted([...ipv4, ...ipv6]), [ipv6[0], ipv4[0], ipv6[1], ...ipv4.slice(1, 6)])
})

test('loopback addresses are among those of this machine', () => {
  assert.ok(machineAddresses().includes('127.0.0.1'))
})
