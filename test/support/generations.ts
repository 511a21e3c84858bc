/** Generations of a master whose children exist only in a test. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { Generation, type GenerationParts } from '../../src/control/generations/generation.js'
import { NO_OUTAGE } from '../../src/health/remote-state.js'
import { linuxCalls } from '../../src/kernel/linux-calls.js'
import { TraceChannel } from '../../src/observe/trace.js'
import { masterShape } from '../../src/plan/compile/limits.js'
import { type Loaded, loadFrom } from '../../src/plan/load/load.js'
import { CounterKeeper } from '../../src/services/counter-keeper.js'
import { Resolver } from '../../src/services/resolver.js'
import { temporaryFolder } from '../harness/clean-up.js'
import { optionsFor } from './head-world.js'

/** The configuration of a master; `spawn` and `relay` are lines of its blocks. */
export async function loadedMaster(
  t: TestContext,
  spawn = '',
  relay = 'remote = { address = 127.0.0.1 port = 1 }',
): Promise<Loaded> {
  const file = join(temporaryFolder(t), 'test.cfg')
  const text = `
    id = spawnd { listen = { address = 127.0.0.1 port = 0 } spawn = { ${spawn} } }
    id = tcprelay { ${relay} }`
  writeFileSync(file, text)
  return loadFrom(optionsFor(file))
}

/** `others`: what the head would give it. */
export function generationOf(
  loaded: Loaded,
  present?: Generation,
  hasFront = false,
  others: Partial<GenerationParts> = {},
): Generation {
  const say = () => {}
  return new Generation(loaded, [], present, {
    serial: (present?.serial ?? 0) + 1,
    calls: linuxCalls(),
    say,
    resolver: new Resolver(say, new TraceChannel('DNS', 0, say)),
    hasFront,
    counters: new CounterKeeper(),
    shapeOf: masterShape,
    mechanism: loaded.mechanism,
    staples: new Map(),
    access: undefined,
    verdictOf: () => NO_OUTAGE,
    membersOf: () => [],
    discovered: undefined,
    onPools: () => {},
    adviceOf: () => undefined,
    overrideOf: () => undefined,
    onListen: () => {},
    onState: () => {},
    ...others,
  })
}
