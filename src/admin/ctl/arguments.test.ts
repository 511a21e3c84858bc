import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCtl } from './arguments.js'

const parse = (line: string, environment = {}) => parseCtl(line.split(' ').filter(Boolean), environment)
const problemOf = (line: string) => {
  const parsed = parse(line)
  return parsed.kind === 'wrong' ? parsed.message : parsed.kind
}

test('reads a command with its parameters, and options anywhere', () => {
  const asked = parse('--socket /x health --json db1 -w')
  assert.ok(asked.kind === 'ask')
  const { isJson, isWide, name, socket, values } = asked
  assert.deepEqual(
    { isJson, isWide, name, socket, values },
    {
      isJson: true,
      isWide: true,
      name: 'health',
      socket: '/x',
      values: { name: 'db1' },
    },
  )
})

test('finds the socket in the option, in the environment, or where a relay has it by default', () => {
  const socketOf = (line: string, environment = {}) => {
    const asked = parse(line, environment)
    return asked.kind === 'ask' ? asked.socket : undefined
  }
  const environment = { TCPRELAYCTL_SOCKET: '/of/environment' }
  assert.equal(socketOf('status'), '/run/tcprelay/admin.sock')
  assert.equal(socketOf('status', environment), '/of/environment')
  assert.equal(socketOf('status -s /x', environment), '/x')
})

test('says what is wrong with a command line', () => {
  assert.equal(problemOf('stauts'), "unknown command 'stauts', did you mean 'status'?")
  assert.equal(problemOf('health'), "'health' needs NAME")
  assert.equal(problemOf('health a b'), "'health' takes no further argument 'b'")
  assert.equal(problemOf('completion tcsh'), "'completion' takes one of bash, zsh, fish")
  assert.match(problemOf('status --jsno'), /--jsno/)
  assert.equal(problemOf('toString'), "unknown command 'toString'")
})

test('without a command it helps', () => {
  assert.deepEqual(parse(''), { kind: 'help', operation: undefined })
  assert.deepEqual(parse('help health'), { kind: 'help', operation: 'health' })
  assert.deepEqual(parse('health --help'), { kind: 'help', operation: 'health' })
})

test('reads numbers, and parameters that may be missing', () => {
  const valuesOf = (line: string) => {
    const asked = parse(line)
    return asked.kind === 'ask' ? asked.values : undefined
  }
  assert.deepEqual(valuesOf('weight a 0.5'), { name: 'a', weight: 0.5 })
  assert.deepEqual(valuesOf('weight a'), { name: 'a' })
  assert.equal(problemOf('weight a heavy'), "WEIGHT of 'weight' is a number, not 'heavy'")
})
