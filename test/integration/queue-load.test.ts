import { test } from 'node:test'
import { competeForPlaces } from './queue-load.js'

test('three children share the places of a remote under load', (t) => competeForPlaces(t, 'broker', 0))
