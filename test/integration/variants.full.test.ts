import { test } from 'node:test'
import { runTestFile } from '../harness/test-file.js'
import { OTHER_VARIANTS } from '../harness/variants.js'
import { FILES_WITH_VARIANTS } from './files-with-variants.js'

for (const [name, only] of Object.entries(FILES_WITH_VARIANTS)) {
  test(`${name}: the variants beyond the normal run`, () => runTestFile(name, OTHER_VARIANTS, only))
}
