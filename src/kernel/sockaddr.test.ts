import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { calls, done } from '../../test/support/sockets.js'
import { hostFromBytes, type SocketAddress } from '../base/address.js'
import { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM } from './constants.js'
import { ENODEV } from './errno.js'
import { mapPrivate, unmap } from './memory.js'
import {
  decodeAddress,
  encodeAddress,
  nativeAddress,
  portIn,
  SOCKADDR_BYTES_MAX,
  setPort,
} from './sockaddr.js'

const folder = mkdtempSync(join(tmpdir(), 'sockaddr-'))
after(() => rmSync(folder, { recursive: true }))

const region = mapPrivate(SOCKADDR_BYTES_MAX)

const port = fc.integer({ min: 0, max: 65_535 })
const hostOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(hostFromBytes)
const plain = { noNullPrototype: true }
const ipv4 = fc.record({ family: fc.constant('ipv4' as const), host: hostOf(4), port }, plain)
const scope = fc.oneof(
  fc.constant(''),
  fc.integer({ min: 1, max: 0x7fff_ffff }).map((index) => String(index)),
)
const ipv6 = fc.record({ family: fc.constant('ipv6' as const), host: hostOf(16), port, scope }, plain)
const name = fc.string({ unit: 'grapheme', maxLength: 107 }).filter((text) => Buffer.byteLength(text) <= 107)
const path = name.filter((text) => !text.includes('\0'))
const unixPath = path.map((text): SocketAddress => ({ family: 'unix', path: text }))
const abstract = name.map((text): SocketAddress => ({ family: 'unix', path: `\0${text}` }))

test('addresses round-trip through the structs of the kernel', () => {
  fc.assert(
    fc.property(fc.oneof(ipv4, ipv6, unixPath, abstract), (address) => {
      const bytes = encodeAddress(address)
      assert.ok(bytes.length <= SOCKADDR_BYTES_MAX)
      assert.deepEqual(decodeAddress(bytes), address)
      // The buffer is larger than the address, with garbage in the rest of it.
      const roomy = new Uint8Array(SOCKADDR_BYTES_MAX).fill(0xee)
      roomy.set(bytes)
      assert.deepEqual(decodeAddress(roomy, bytes.length), address)
    }),
  )
})

test('encodes the documented structs byte by byte', () => {
  assert.deepEqual(
    [...encodeAddress({ family: 'ipv4', host: '1.2.3.4', port: 0x1234 })],
    [AF_INET, 0, 0x12, 0x34, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0],
  )
  assert.deepEqual(
    [...encodeAddress({ family: 'ipv6', host: '1::2', port: 0x1234, scope: '5' })],
    [AF_INET6, 0, 0x12, 0x34, 0, 0, 0, 0, 0, 1, ...new Array(13).fill(0), 2, 5, 0, 0, 0],
  )
  assert.deepEqual([...encodeAddress({ family: 'unix', path: 'ab' })], [AF_UNIX, 0, 97, 98, 0])
  assert.deepEqual([...encodeAddress({ family: 'unix', path: '\0ab' })], [AF_UNIX, 0, 0, 97, 98])
  assert.deepEqual([...encodeAddress({ family: 'unix', path: '' })], [AF_UNIX, 0])
})

/** Binds a socket to an address and reads its address back. */
function askKernel(address: SocketAddress): SocketAddress {
  const native = nativeAddress(address)
  const fd = done(calls.socket(native.family, SOCK_STREAM, 0))
  try {
    done(calls.bind(fd, native.region, native.byteLength))
    region.bytes.fill(0xee)
    return decodeAddress(region.bytes, done(calls.localAddress(fd, region)))
  } finally {
    calls.close(fd)
  }
}

test('the kernel agrees on the encoding of addresses', () => {
  const exact: SocketAddress[] = [
    { family: 'unix', path: join(folder, 'socket') },
    { family: 'unix', path: join(folder, 'ünïcode') },
    { family: 'unix', path: `\0tcprelay-test-${process.pid}` },
    { family: 'unix', path: `\0tcprelay\0test ${process.pid}` },
  ]
  for (const address of exact) assert.deepEqual(askKernel(address), address)
  const ipv4 = askKernel({ family: 'ipv4', host: '127.1.2.3', port: 0 })
  assert.ok(ipv4.family === 'ipv4' && ipv4.host === '127.1.2.3' && ipv4.port > 0)
})

test('an unbound socket has an empty address', () => {
  const fd = done(calls.socket(AF_UNIX, SOCK_STREAM, 0))
  const byteLength = done(calls.localAddress(fd, region))
  assert.deepEqual(decodeAddress(region.bytes, byteLength), { family: 'unix', path: '' })
  calls.close(fd)
})

test('the kernel agrees on the encoding of IPv6 scopes', (t) => {
  const probe = calls.socket(AF_INET6, SOCK_STREAM, 0)
  if (probe < 0) return t.skip('the kernel has no IPv6')
  calls.close(probe)
  const bound = askKernel({ family: 'ipv6', host: '::', port: 0, scope: '' })
  assert.ok(bound.family === 'ipv6' && bound.host === '::' && bound.port > 0)
  const loopback = encodeAddress({ family: 'ipv6', host: '::1', port: 1, scope: 'lo' })
  assert.equal(new DataView(loopback.buffer).getUint32(24, true), 1, 'the loopback is interface 1')
})

test('accepts Unix paths of 107 bytes and abstract names of 107 bytes after the NUL', () => {
  const long = 'x'.repeat(107)
  for (const path of [long, `\0${long}`]) {
    assert.deepEqual(decodeAddress(encodeAddress({ family: 'unix', path })), { family: 'unix', path })
    assert.throws(() => encodeAddress({ family: 'unix', path: `${path}x` }), RangeError)
  }
})

test('rejects a path that the kernel would truncate', () => {
  assert.throws(() => encodeAddress({ family: 'unix', path: '/run/x\0y' }), RangeError)
})

test('the kernel rejects a scope that names no interface', (t) => {
  const fd = calls.socket(AF_INET6, SOCK_STREAM, 0)
  if (fd < 0) return t.skip('the kernel has no IPv6')
  for (const scope of ['nosuchif0', '0', '2147483647', '4294967297', '99999999999']) {
    const bytes = encodeAddress({ family: 'ipv6', host: 'fe80::1', port: 0, scope })
    region.bytes.set(bytes)
    assert.equal(calls.bind(fd, region, bytes.length), -ENODEV, scope)
    assert.ok(calls.connect(fd, region, bytes.length) < 0)
  }
  calls.close(fd)
})

test('setPort changes only the port', () => {
  for (const address of [
    { family: 'ipv4', host: '10.1.2.3', port: 0 },
    { family: 'ipv6', host: '2001:db8::1', port: 80, scope: '3' },
  ] as const) {
    const native = nativeAddress(address)
    for (const port of [1, 255, 256, 0xabcd, 65_535]) {
      setPort(native, port)
      assert.equal(native.port, port)
      assert.equal(portIn(native.region.bytes), port)
      assert.deepEqual(decodeAddress(native.region.bytes, native.byteLength), { ...address, port })
    }
    unmap(native.region)
  }
  assert.equal(portIn(encodeAddress({ family: 'unix', path: '/run/x' })), 0)
})
