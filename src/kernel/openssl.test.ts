import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { nativeCallback, nativeFunction } from './ffi.js'
import { mapPrivate } from './memory.js'
import { sha256Of } from './openssl-digest.js'
import { clearErrors, takeReason } from './openssl-errors.js'
import {
  allocate,
  copyIn,
  copyNative,
  copyOut,
  duplicate,
  isSameNative,
  scrubAndFree,
  withNativeBytes,
} from './openssl-memory.js'
import { sslCalls } from './openssl-ssl.js'
import { readingBytes, x509Calls } from './openssl-x509.js'

const readCertificate = (bytes: Uint8Array) =>
  readingBytes(bytes, (bio) => x509Calls().derCertificate(bio, 0))

test('takeReason returns the reason of a failure once', () => {
  clearErrors()
  assert.equal(takeReason(), 'unknown error')
  assert.equal(readCertificate(Uint8Array.of(1, 2, 3)), 0)
  assert.match(takeReason(), /^(wrong tag|header too long|too long|not enough data)/)
  assert.equal(takeReason(), 'unknown error')
  assert.equal(readCertificate(Uint8Array.of(1, 2, 3)), 0)
  clearErrors()
  assert.equal(takeReason(), 'unknown error')
})

test('the OpenSSL version is that of Node', () => {
  assert.equal(`3.${sslCalls().minorVersion}`, process.versions.openssl.split('.').slice(0, 2).join('.'))
})

test('bytes round-trip through native memory', () => {
  const bytes = randomBytes(100)
  const [one, other] = [duplicate(bytes), allocate(100)]
  copyNative(other, one, 100)
  assert.ok(isSameNative(one, other, 100))
  assert.deepEqual(copyOut(one, 101), Uint8Array.of(...bytes, 0), 'NUL-terminated')
  copyIn(other + 50, Uint8Array.of((bytes[50] ?? 0) ^ 1))
  assert.ok(!isSameNative(one, other, 100))
  assert.ok(isSameNative(one, other, 50))
  assert.deepEqual(
    withNativeBytes(bytes, (address) => copyOut(address, 100)),
    new Uint8Array(bytes),
  )
  assert.deepEqual(copyOut(one, 0), new Uint8Array(0))
  scrubAndFree(one, 101)
  scrubAndFree(other, 100)
})

test('a digest depends on the boundaries of its parts', () => {
  const digest = createHash('sha256')
    .update(Uint8Array.of(0, 0, 0, 1, 7, 0, 0, 0, 0))
    .digest()
  const none = new Uint8Array(0)
  assert.deepEqual(sha256Of([Uint8Array.of(7), none]), new Uint8Array(digest))
  assert.notDeepEqual(sha256Of([none, Uint8Array.of(7)]), new Uint8Array(digest))
})

test('exceptions of a native callback become its return value', () => {
  const sort = nativeFunction<(base: bigint, count: number, size: number, compare: bigint) => void>(
    'void qsort(uintptr_t base, size_t count, size_t size, uintptr_t compare)',
  )
  const region = mapPrivate(64)
  region.bytes.set([3, 1, 2])
  const at = (address: number) => region.bytes[address - region.address] ?? 0
  const parameters = ['uintptr_t', 'uintptr_t']
  const ascending = (one: number, other: number) => at(one) - at(other)
  sort(
    region.pointer,
    3,
    1,
    nativeCallback('int', parameters, ascending, () => 0),
  )
  assert.deepEqual([...region.bytes.subarray(0, 3)], [1, 2, 3])
  const thrown: unknown[] = []
  const broken = () => {
    throw new Error('broken')
  }
  sort(
    region.pointer,
    3,
    1,
    nativeCallback('int', parameters, broken, (error) => thrown.push(error)),
  )
  assert.match(String(thrown[0]), /broken/)
})
