import { test } from 'node:test'
import { World } from './world.js'

/** Sessions in one world, a few of them at a time. */
const LIVES_PER_WORLD = 20

/** Ten thousand lives in the normal run. TCPRELAY_SEED=N plays one world again. */
const WORLDS = process.env.TCPRELAY_TESTS === 'full' ? 5_000 : 500

const FIRST_SEED = Number(process.env.TCPRELAY_SEED ?? 1)

test(`${WORLDS * LIVES_PER_WORLD} simulated sessions deliver every byte once and in order`, () => {
  const worlds = process.env.TCPRELAY_SEED === undefined ? WORLDS : 1
  for (let seed = FIRST_SEED; seed < FIRST_SEED + worlds; seed++) {
    try {
      new World(seed).play(LIVES_PER_WORLD)
    } catch (error) {
      const why = error instanceof Error ? error.stack : error
      throw new Error(`TCPRELAY_SEED=${seed} plays it again: ${why}`)
    }
  }
})
