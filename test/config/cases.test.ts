import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadConfiguration } from '../../src/config/load.js'
import { renderProblems } from '../../src/config/problem-text.js'
import { hasErrors } from '../../src/plan/check/check.js'
import { routeTestProblems } from '../../src/plan/check/route-tests.js'
import { type FakeWorld, fakeWorld } from './fake-world.js'

/**
 * Golden cases. A case file contains the configuration, further files each after a ruler with its name, and after a
 * bare ruler the expectation: every directive with its position and value, then the problems, those of its tests of routes
 * included. TCPRELAY_UPDATE_CASES=1 rewrites the expectations instead of comparing them: review the difference.
 */
const folder = fileURLToPath(new URL('../../../test/config/cases/', import.meta.url))
const RULER = /^----------(?: (\S+))?\n/m

for (const name of readdirSync(folder).filter((file) => file.endsWith('.case'))) {
  test(`case ${name}`, () => {
    const text = readFileSync(folder + name, 'utf8')
    const { world, expected, inputText } = parseCase(text)
    const actual = describeConfiguration(world)
    if (process.env.TCPRELAY_UPDATE_CASES === '1')
      writeFileSync(folder + name, `${inputText}----------\n${actual}`)
    else assert.equal(actual, expected)
  })
}

function parseCase(text: string): { world: FakeWorld; expected: string; inputText: string } {
  const parts = text.split(RULER)
  const files: Record<string, string> = { case: parts[0] ?? '' }
  for (let i = 1; i + 2 < parts.length; i += 2) files[parts[i] ?? ''] = parts[i + 1] ?? ''
  const expected = parts.at(-1) ?? ''
  const inputText = text.slice(0, text.lastIndexOf('----------\n'))
  return { world: fakeWorld(files), expected, inputText }
}

function describeConfiguration(world: FakeWorld): string {
  const isInetd = world.mainText.startsWith('# inetd')
  const configuration = loadConfiguration({
    file: 'case',
    ...world,
    environment: new Map([['HOME', '/home/joe']]),
    masterId: 'spawnd',
    childId: 'tcprelay',
    isInetd,
  })
  const { given, problems } = configuration
  const ofTests = hasErrors(problems) ? [] : routeTestProblems(configuration)
  const lines = given.map(({ blocks, name, position, value, needs }) => {
    const { file, line, column } = position
    const where = file === 'case' ? `${line}:${column}` : `${file}:${line}:${column}`
    const mark = needs === undefined ? '' : ` (needs ${needs})`
    return `${where} ${[...blocks, name].join(' ')} = ${JSON.stringify(value, plain)}${mark}\n`
  })
  return lines.join('') + renderProblems([...problems, ...ofTests], world.sources)
}

/** Omits positions within values, and formats bytes as hex. */
function plain(key: string, value: unknown): unknown {
  if (key === 'position') return undefined
  if (value instanceof RegExp) return String(value)
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}
