import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SpanIndex } from './span-index.js'

const POSITIONS_MAX = 40

test('finds the spans that contain a position, each list in ascending order', () => {
  const spans = fc.array(fc.tuple(fc.nat(POSITIONS_MAX), fc.nat(POSITIONS_MAX)), { maxLength: 20 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: POSITIONS_MAX }), spans, (positionCount, all) => {
      const index = new SpanIndex(positionCount)
      const clipped = all.map(([a, b]) => [Math.min(a, b), Math.min(Math.max(a, b), positionCount)] as const)
      for (const [value, [from, to]] of clipped.entries()) index.add(from, to, value)
      for (let position = 0; position < positionCount; position++) {
        const found: number[] = []
        index.collect(position, {
          add(list) {
            assert.deepEqual(
              list,
              [...list].sort((a, b) => a - b),
            )
            found.push(...list)
          },
        })
        const wanted = [...clipped.keys()].filter((value) => {
          const [from, to] = clipped[value] ?? [0, 0]
          return from <= position && position < to
        })
        assert.deepEqual(
          found.sort((a, b) => a - b),
          wanted,
        )
      }
    }),
  )
})
