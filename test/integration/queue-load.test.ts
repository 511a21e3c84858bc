import { test } from 'node:test'
import { ACCEPT_WAYS } from '../harness/variants.js'
import { competeForPlaces } from './queue-load.js'

for (const accept of ACCEPT_WAYS)
  test(`${accept}: three children share the places of a remote under load`, (t) =>
    competeForPlaces(t, accept, 0))
