import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { FILES_WITH_VARIANTS } from './files-with-variants.js'

/** An import of variants. Only mavis-external has them from elsewhere. */
const HAS_VARIANTS = /'\.\.\/harness\/(variants|modes)\.js'/

test('every file that has variants is listed', () => {
  const here = new URL('./', import.meta.url)
  const files = readdirSync(here).filter((name) => /^[\w-]+\.test\.js$/.test(name))
  const found = files.filter((name) => HAS_VARIANTS.test(readFileSync(new URL(name, here), 'utf8')))
  const names = found.map((name) => name.replace('.test.js', ''))
  assert.deepEqual(
    names.filter((name) => !(name in FILES_WITH_VARIANTS)),
    [],
  )
})
