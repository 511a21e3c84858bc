import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SlotSet } from './slot-set.js'

test('behaves like a Set', () => {
  const slot = fc.integer({ min: 0, max: 200 })
  const step = fc.oneof(
    { weight: 9, arbitrary: slot },
    { weight: 3, arbitrary: fc.record({ deleted: slot }) },
    fc.constant('clear' as const),
  )
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const set = new SlotSet()
      const model = new Set<number>()
      for (const step of steps) {
        if (step === 'clear') {
          set.clear()
          model.clear()
        } else if (typeof step === 'object') {
          set.delete(step.deleted)
          model.delete(step.deleted)
        } else {
          set.add(step)
          model.add(step)
        }
        for (let slot = 0; slot <= 210; slot++) assert.equal(set.has(slot), model.has(slot), `slot ${slot}`)
      }
    }),
  )
})
