/** Plans of configurations without TLS files, as the head compiles them. */
import assert from 'node:assert/strict'
import { loadChosenConfiguration } from '../../src/config/load.js'
import type { Plan } from '../../src/engine/plan.js'
import { compilePlan, type PlanSurroundings } from '../../src/plan/compile/compile-plan.js'
import { NO_GEO } from '../../src/plan/load/geo-loading.js'
import type { Loaded } from '../../src/plan/load/load.js'
import { NO_TLS_SETTINGS } from '../../src/plan/load/tls-loading.js'
import { fakeWorld } from '../config/fake-world.js'

export function loadText(text: string): Loaded {
  const { names, sources } = fakeWorld({ case: text })
  const request = { file: 'case', names, sources, environment: new Map(), isInetd: false }
  const choice = { program: 'tcprelay', programPath: 'tcprelay' } as const
  const configuration = loadChosenConfiguration(request, choice)
  assert.deepEqual(configuration.problems, [])
  const tls = { settings: NO_TLS_SETTINGS, probes: [], stamps: new Map(), ocsp: [] }
  return { ...configuration, sources, mechanism: 'epoll', stamps: new Map(), geo: NO_GEO, tls }
}

export function planOf(text: string, surroundings: Partial<PlanSurroundings> = {}): Plan {
  return compilePlan(loadText(text), {
    listenerNames: ['127.0.0.1:1'],
    listenerKinds: ['tcp'],
    listenerSlots: [0],
    remoteSlots: [0],
    poolSlots: [0, 1, 2, 3],
    mechanism: 'epoll',
    ...surroundings,
  })
}
