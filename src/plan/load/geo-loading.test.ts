import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../../../test/harness/clean-up.js'
import { optionsFor } from '../../../test/support/head-world.js'
import { inCountry, inSystem, mmdb } from '../../../test/support/mmdb.js'
import { loadFrom } from './load.js'

/** Loads a configuration in a folder with a database of countries and one of systems. */
async function load(t: TestContext, top: string, rules: string, route = '') {
  const folder = temporaryFolder(t)
  const at = (name: string) => join(folder, name)
  writeFileSync(at('country'), mmdb({ '192.0.2.0/24': inCountry('DE'), '198.51.100.0/24': inCountry('FR') }))
  writeFileSync(at('asn'), mmdb({ '10.0.0.0/8': inSystem(64_500) }))
  writeFileSync(at('broken'), 'no database')
  const file = at('relay.cfg')
  const text = `${top}\nid = spawnd { listen { port = 1 } ${rules} default = permit }
    id = tcprelay { pool = a { remote { 127.0.0.1:2 } } route { pool = a ${route} } }`
  writeFileSync(file, text.replaceAll('@', `${folder}/`))
  const { geo, problems } = await loadFrom(optionsFor(file))
  const said = problems.map(({ message, position, severity }) => {
    return `${severity} ${position.line}:${position.column} ${message.replaceAll(`${folder}/`, '')}`
  })
  return { said, sizes: [...geo.networks].map(([origin, { length }]) => `${origin} ${length}`) }
}

test('keeps the networks of the countries and systems that rules name, of all lists and files', async (t) => {
  const { said, sizes } = await load(
    t,
    'geo file = @country, @asn',
    'deny country = DE',
    'deny asn = 64500 default = permit',
  )
  assert.deepEqual(said, [])
  assert.deepEqual(sizes, ['DE 32', 'AS64500 32'])
})

test('a rule without a file is an error, one without networks a warning', async (t) => {
  assert.deepEqual((await load(t, '', 'deny country = DE')).said, [
    "error 2:40 rules about countries and ASNs need a 'geo file', which has their networks",
  ])
  assert.deepEqual((await load(t, 'geo file = @country', 'deny country = DE, XX')).said, [
    "warning 2:40 no 'geo file' has networks of XX: no client is from there",
  ])
})

test('a file that cannot be read is an error at its directive', async (t) => {
  const { said } = await load(t, 'geo file = @missing, @broken', 'deny country = DE')
  assert.deepEqual(
    said.map((line) => line.replace(/MMDB: .*/, 'MMDB')),
    [
      "error 1:12 cannot read 'missing': no such file or directory",
      `error 1:${said[1]?.match(/:(\d+)/)?.[1]} 'broken' is not a database in the format MMDB`,
    ],
  )
})

test('files are not read without rules about countries', async (t) => {
  assert.deepEqual(await load(t, 'geo file = @missing', 'deny 10.0.0.0/8'), { said: [], sizes: [] })
})
