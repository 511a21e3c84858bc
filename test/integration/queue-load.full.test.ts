import { test } from 'node:test'
import { competeForPlaces } from './queue-load.js'

for (const accept of ['broker', 'direct'] as const)
  test(`${accept}: three children share the places of a remote for a minute`, (t) =>
    competeForPlaces(t, accept, 60_000))
