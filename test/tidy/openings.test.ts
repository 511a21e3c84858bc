/** Checks that files of the product open with a comment that says what they are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasOpening } from './openings.js'
import { isTest, sourcesBelow } from './sources.js'

test('every source file opens with a comment that says what it is', () => {
  const lacking = sourcesBelow('src').filter(({ path, text }) => !isTest(path) && !hasOpening(path, text))
  assert.deepEqual(
    lacking.map(({ path }) => path),
    [],
    'these files lack an opening comment (/** … */ before the imports)',
  )
})

test('an opening is distinguished from the comment of the first declaration', () => {
  const imports = "import a from './a.js'\nimport {\n  b,\n} from './b.js'\nimport './c.js'\n\n"
  const check = (text: string) => hasOpening('src/base/word-tree.ts', text)
  assert.equal(check('/** A tree. */\nimport a from "./a.js"\n'), true)
  assert.equal(check(`${imports}/** A tree. */\nexport class WordTree {}\n`), true)
  assert.equal(check(`${imports}/** A tree. */\n\nconst DEPTH_MAX = 3\n`), true)
  assert.equal(check(`${imports}/** A tree. */\n\nconst A = 1\n/** B. */\nexport class Branch {}\n`), true)
  assert.equal(check(`${imports}/** Deeper trees overflow. */\nconst DEPTH_MAX = 3\n`), false)
  assert.equal(check(`${imports}export class WordTree {}\n`), false)
  assert.equal(check('// A tree.\nexport class WordTree {}\n'), false)
})
