import assert from 'node:assert/strict'
import { closeSync, fstatSync, readdirSync, readlinkSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { calls } from '../../test/support/sockets.js'
import { EINVAL } from './errno.js'
import { mapPrivate, mapShared, openSharedMemory, unmap } from './memory.js'
import { heapRegion } from './region.js'

for (const [kind, make] of [
  ['native', mapPrivate],
  ['heap', heapRegion],
] as const) {
  test(`a part of a ${kind} region shares its memory`, () => {
    const region = make(64)
    const part = region.part(16, 8)
    part.bytes[0] = 7
    region.bytes[23] = 9
    assert.deepEqual([region.bytes[16], part.bytes[7], part.byteLength], [7, 9, 8])
    assert.equal(part.part(4, 4).bytes[3], 9, 'a part of a part')
    assert.equal(region.bytes, region.bytes, 'the view is made once')
  })

  test(`a part of a ${kind} region cannot exceed it`, () => {
    const region = make(64)
    const anything = fc.oneof(
      fc.integer({ min: -100, max: 200 }),
      fc.double(),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53),
    )
    fc.assert(
      fc.property(anything, anything, (offset, byteLength) => {
        const isInside =
          Number.isInteger(offset) &&
          Number.isInteger(byteLength) &&
          offset >= 0 &&
          byteLength >= 0 &&
          offset + byteLength <= 64
        if (isInside)
          assert.equal(region.part(offset, byteLength).bytes.length, byteLength + 0) // -0 is 0
        else assert.throws(() => region.part(offset, byteLength), RangeError)
      }),
    )
  })
}

test('the address of a native region is that of its bytes', () => {
  const region = mapPrivate(32)
  assert.ok(region.address > 0 && BigInt(region.address) === region.pointer)
  assert.equal(region.part(8, 8).address, region.address + 8)
  assert.equal(heapRegion(32).part(8, 8).address, 0, 'a heap region has none')
})

test('new memory is zeroed', () => {
  assert.ok(mapPrivate(10_000).bytes.every((byte) => byte === 0))
})

test('two mappings of one memfd share memory', () => {
  const fd = openSharedMemory('test', 8192)
  assert.equal(fstatSync(fd).size, 8192)
  const [one, other] = [mapShared(fd, 8192), mapShared(fd, 8192)]
  closeSync(fd)
  assert.notEqual(one.address, other.address)
  one.bytes[5000] = 42
  assert.equal(other.bytes[5000], 42)
  unmap(one)
  assert.equal(other.bytes[5000], 42, 'a mapping outlives the descriptor and the other mapping')
  unmap(other)
})

test('discarded shared memory reads as zeros in every mapping and can be reused', () => {
  const fd = openSharedMemory('test', 3 * 4096)
  const [one, other] = [mapShared(fd, 3 * 4096), mapShared(fd, 3 * 4096)]
  one.bytes.fill(1)
  const blocksBefore = fstatSync(fd).blocks
  assert.equal(calls.discard(one.part(4096, 4096)), 0)
  assert.ok(fstatSync(fd).blocks < blocksBefore, 'the page went back to the system')
  assert.deepEqual(
    [4095, 4096, 8191, 8192].map((at) => other.bytes[at]),
    [1, 0, 0, 1],
  )
  other.bytes[4096] = 2
  assert.equal(one.bytes[4096], 2)
  closeSync(fd)
})

test('discard returns an errno for private memory', () => {
  assert.equal(calls.discard(mapPrivate(4096)), -EINVAL, 'private memory')
})

test('a failed allocation throws with its reason and leaks no descriptor', () => {
  assert.throws(() => mapPrivate(2 ** 50), /cannot map \d+ bytes: out of memory/)
  assert.throws(() => mapShared(-1, 4096), /cannot map 4096 bytes: bad file descriptor/)
  assert.throws(() => openSharedMemory('test-refused', -1), /cannot resize shared memory: invalid argument/)
  const left = readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).includes('test-refused'))
  assert.deepEqual(left, [])
})

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return ''
  }
}
