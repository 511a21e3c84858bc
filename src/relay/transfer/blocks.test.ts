import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { calls } from '../../../test/support/sockets.js'
import type { Calls } from '../../kernel/calls.js'
import { mapShared, openSharedMemory } from '../../kernel/memory.js'
import { heapRegion, type Region } from '../../kernel/region.js'
import { BLOCK_BYTES, Blocks } from './blocks.js'

const WARM_BLOCKS = 128

/** Blocks that note what is mapped and what is given back to the system. */
function blocksOf() {
  const chunks: Region[] = []
  const discarded: Region[] = []
  const noting: Calls = {
    ...calls,
    discard(region) {
      discarded.push(region)
      return 0
    },
  }
  const blocks = new Blocks(noting, (byteLength) => {
    // Never written: the tests only check which block is lent.
    const chunk = heapRegion(byteLength)
    chunks.push(chunk)
    return chunk
  })
  return { blocks, chunks, discarded }
}

/** Keeps the scratch block where there is memory for another. */
function keep(blocks: Blocks): Region {
  const block = blocks.keepScratch()
  assert.ok(block)
  return block
}

test('keeps the scratch block when there is no memory for another one', () => {
  let isEmpty = false
  const blocks = new Blocks(calls, (byteLength) => (isEmpty ? undefined : heapRegion(byteLength)))
  isEmpty = true
  const held: Region[] = []
  for (let block = blocks.keepScratch(); block !== undefined; block = blocks.keepScratch()) held.push(block)
  assert.equal(blocks.held, held.length)
  assert.equal(blocks.keepScratch(), undefined)
  for (const block of held) blocks.release(block)
  keep(blocks)
})

test('no block is lent twice, and all have one size', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 4 }), { maxLength: 400 }), (steps) => {
      const { blocks } = blocksOf()
      const held: Region[] = []
      for (const step of steps) {
        // Three of five steps keep: the crowd grows over a chunk and shrinks again.
        if (step < 3) held.push(keep(blocks))
        else for (const block of held.splice(0, step)) blocks.release(block)
        assert.equal(blocks.held, held.length)
        const all = [...held, blocks.scratch]
        assert.equal(new Set(all).size, all.length)
        assert.ok(all.every(({ byteLength }) => byteLength === BLOCK_BYTES))
      }
    }),
    { numRuns: 30 },
  )
})

test('blocks of one chunk do not overlap', () => {
  const { blocks, chunks } = blocksOf()
  const held = Array.from({ length: 100 }, () => keep(blocks))
  assert.equal(chunks.length, 1)
  for (const [index, block] of held.entries()) block.bytes.fill(index)
  assert.ok(held.every((block, index) => block.bytes.every((byte) => byte === index)))
})

test('a kept block keeps its bytes', () => {
  const { blocks } = blocksOf()
  blocks.scratch.bytes.fill(7)
  const kept = keep(blocks)
  blocks.scratch.bytes.fill(8)
  assert.ok(kept.bytes.every((byte) => byte === 7))
})

test('maps memory in chunks and reuses it before mapping more', () => {
  const { blocks, chunks } = blocksOf()
  for (let crowd = 0; crowd < 3; crowd++) {
    const held = Array.from({ length: 300 }, () => keep(blocks))
    assert.equal(chunks.length, 3)
    for (const block of held) blocks.release(block)
    assert.equal(blocks.held, 0)
  }
})

test('returns the pages of surplus blocks to the kernel after a burst', () => {
  const { blocks, discarded } = blocksOf()
  const held = Array.from({ length: 200 }, () => keep(blocks))
  for (const block of held) blocks.release(block)
  assert.equal(discarded.length, 200 - WARM_BLOCKS)
})

test('repeated blocking of one session needs no system call', () => {
  const { blocks, discarded, chunks } = blocksOf()
  for (let i = 0; i < 1_000; i++) blocks.release(keep(blocks))
  assert.deepEqual([discarded.length, chunks.length], [0, 1])
})

test('blocks of shared memory are zero after their pages were returned', () => {
  const blocks = new Blocks(calls, (byteLength) =>
    mapShared(openSharedMemory('test-blocks', byteLength), byteLength),
  )
  const held = Array.from({ length: WARM_BLOCKS + 2 }, () => keep(blocks))
  for (const block of held) block.bytes.fill(1)
  for (const block of held) blocks.release(block)
  assert.deepEqual(
    held.map((block) => block.bytes[0]),
    held.map((_, index) => (index < WARM_BLOCKS ? 1 : 0)),
  )
})
