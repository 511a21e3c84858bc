import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeWorld } from '../../../test/config/fake-world.js'
import { loadConfiguration } from '../../config/load.js'
import { mavisSettings } from '../../config/mavis-settings.js'
import { sessionsMax } from './limits.js'

function sessionsWith(mavis: string): number {
  const { problems, tcprelay } = loadConfiguration({
    file: 'case',
    ...fakeWorld({
      case: `id = spawnd { listen { port = 1 } } id = tcprelay { remote { 1.2.3.4:5 } ${mavis} }`,
    }),
    masterId: 'spawnd',
    childId: 'tcprelay',
    environment: new Map(),
    isInetd: false,
  })
  assert.deepEqual(problems, [])
  return sessionsMax({ mavis: mavisSettings(tcprelay), limits: [] })
}

test('descriptors that modules may need are not given to sessions', () => {
  const all = sessionsWith('')
  const asking = (module: string) => sessionsWith(`mavis authorization = host mavis module = ${module}`)
  assert.equal(asking('null {}'), all)
  assert.equal(asking('external { exec = /x/foo childs max = 20 }'), all - 30, 'three pipes each')
  assert.ok([1, 2].includes(all - asking('external-mt { exec = /x/foo }')), 'half of three')
  assert.equal(asking('remote { server = { address = 1.2.3.4 } server = { address = 1.2.3.5 } }'), all - 1)
})
