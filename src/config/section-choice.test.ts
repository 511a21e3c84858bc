import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseChildSection, chooseSections, type SectionRequest } from './section-choice.js'

const TCPRELAY: SectionRequest = { program: 'tcprelay', programPath: '/usr/bin/tcprelay' }

function chosen(request: Partial<SectionRequest>, child?: { id?: string; exec?: string }): string {
  const { masterId, childId } = chooseSections(
    { ...TCPRELAY, ...request },
    child && { id: child.id, exec: child.exec },
  )
  return `${masterId} ${childId}`
}

test('tcprelay reads section spawnd and the section of its own name', () => {
  assert.equal(chosen({}), 'spawnd tcprelay')
  assert.equal(chosen({ programPath: '/x/relay2.js' }), 'spawnd relay2')
})

test('the last argument and -I select the section of the master', () => {
  assert.equal(chosen({ lastArgument: 'a' }), 'a tcprelay')
  assert.equal(chosen({ lastArgument: 'a', masterOption: 'b' }), 'b tcprelay')
})

test('-i overrides the file, and `id` overrides `exec`', () => {
  const exec = '/x/tcprelay'
  assert.equal(chosen({}, { exec }), 'spawnd tcprelay')
  assert.equal(chosen({}, { exec, id: 'bar' }), 'spawnd bar')
  assert.equal(chosen({ childOption: 'i' }, { exec, id: 'bar' }), 'spawnd i')
})

test('does not read the section of another program', () => {
  assert.equal(chosen({}, { exec: '/x/foo' }), 'spawnd undefined')
  assert.equal(chosen({ childOption: 'i' }, { exec: '/x/foo', id: 'bar' }), 'spawnd undefined')
})

test('spawnd reads the section of its own name, and tcprelay for its children', () => {
  assert.equal(chosen({ program: 'spawnd', programPath: 'bin/spawnd.js' }), 'spawnd tcprelay')
  assert.equal(chosen({ program: 'spawnd', programPath: '/usr/sbin/front', lastArgument: 'x' }), 'x tcprelay')
})

test('a child reads the section that its master names, or the section of its own name', () => {
  assert.deepEqual(chooseChildSection({ ...TCPRELAY, lastArgument: 'x' }), {
    masterId: undefined,
    childId: 'x',
  })
  assert.deepEqual(chooseChildSection({ ...TCPRELAY, programPath: 'a/foo.js' }), {
    masterId: undefined,
    childId: 'foo',
  })
})
