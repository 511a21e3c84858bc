/** Checks that files of the product open with a comment that says what they are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasOpening } from './openings.js'
import { folderOf, isTest, sourcesBelow } from './sources.js'

/**
 * Files per folder that still lack their opening. A ratchet: lower the number when files get theirs, remove the row
 * at 0, and never raise one.
 */
const WITHOUT_OPENING_YET: Readonly<Record<string, number>> = {
  accept: 13,
  admission: 3,
  balance: 1,
  cli: 6,
  config: 63,
  control: 26,
  engine: 8,
  mavis: 27,
  observe: 8,
  plan: 12,
  relay: 28,
  services: 17,
  wire: 5,
}

test('every source file opens with a comment that says what it is', () => {
  const lacking = new Map<string, string[]>()
  for (const { path, text } of sourcesBelow('src')) {
    if (isTest(path) || hasOpening(path, text)) continue
    const folder = folderOf(path)
    lacking.set(folder, [...(lacking.get(folder) ?? []), path])
  }
  for (const [folder, paths] of lacking) {
    const allowed = WITHOUT_OPENING_YET[folder] ?? 0
    assert.ok(
      paths.length <= allowed,
      `of these files at most ${allowed} may lack an opening comment (/** … */ before the imports):\n  ${paths.join('\n  ')}\n`,
    )
  }
})

test('an opening is distinguished from the comment of the first declaration', () => {
  const imports = "import a from './a.js'\nimport {\n  b,\n} from './b.js'\nimport './c.js'\n\n"
  const check = (text: string) => hasOpening('src/base/word-tree.ts', text)
  assert.equal(check('/** A tree. */\nimport a from "./a.js"\n'), true)
  assert.equal(check(`${imports}/** A tree. */\nexport class WordTree {}\n`), true)
  assert.equal(check(`${imports}/** A tree. */\n\nconst DEPTH_MAX = 3\n`), true)
  assert.equal(check(`${imports}/** Deeper trees overflow. */\nconst DEPTH_MAX = 3\n`), false)
  assert.equal(check(`${imports}export class WordTree {}\n`), false)
  assert.equal(check('// A tree.\nexport class WordTree {}\n'), false)
})
