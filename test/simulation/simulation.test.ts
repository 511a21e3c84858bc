import { test } from 'node:test'
import { TRANSPORTS, transportOf, World } from './world.js'

/** Sessions in one world, a few of them at a time. */
const LIVES_PER_WORLD = 20

/** More than ten thousand sessions in the normal run. */
const WORLDS_PER_TRANSPORT = process.env.TCPRELAY_TESTS === 'full' ? 2_000 : 170

/** TCPRELAY_SEED=N repeats one world. */
const ONE_SEED = process.env.TCPRELAY_SEED

for (const [index, transport] of TRANSPORTS.entries()) {
  const seeds =
    ONE_SEED === undefined
      ? Array.from({ length: WORLDS_PER_TRANSPORT }, (_, i) => (i + 1) * TRANSPORTS.length + index)
      : [Number(ONE_SEED)].filter((seed) => transportOf(seed) === transport)

  test(`${transport}: ${seeds.length * LIVES_PER_WORLD} simulated sessions deliver every byte once and in order`, () => {
    for (const seed of seeds) {
      try {
        new World(seed).play(LIVES_PER_WORLD)
      } catch (error) {
        const why = error instanceof Error ? error.stack : error
        throw new Error(`TCPRELAY_SEED=${seed} plays it again: ${why}`)
      }
    }
  })
}
