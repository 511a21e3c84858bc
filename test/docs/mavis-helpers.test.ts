import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { Dialogue } from '../harness/dialogue.js'
import { needs } from '../harness/needs.js'
import { fileOfProject } from '../harness/program.js'

const PAGE = readFileSync(fileOfProject('docs/mavis.md'), 'utf8')

/** The page's blocks in this language. */
const blocksIn = (language: string): string[] =>
  [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text)

const QUESTION = blocksIn('').find((text) => text.startsWith('0 TACPLUS\n')) ?? ''
const ABOUT = '192.0.2.1'

for (const [language, interpreter] of [
  ['sh', 'sh'],
  ['python', 'python3'],
] as const) {
  test(`the helper in ${language} answers as the page says`, async (t) => {
    if (!needs(t, interpreter)) return
    const [text = ''] = blocksIn(language)
    const folder = temporaryFolder(t)
    const [program, known] = [join(folder, 'helper'), join(folder, 'known')]
    writeFileSync(program, text)
    writeFileSync(known, `198.51.100.1\n${ABOUT}\n`)
    const helper = new Dialogue(t, [interpreter, program, known])
    const others = QUESTION.replaceAll(ABOUT, '192.0.2.9')
    for (const [question, result] of [
      [QUESTION, 'ACK'],
      [others, 'NAK'],
      [QUESTION, 'ACK'],
    ] as const) {
      helper.text = ''
      helper.say(question)
      await helper.saw(/^=0\n/m)
      const lines = helper.text.split('\n')
      assert.deepEqual(lines.slice(-2), ['=0', ''])
      assert.ok(lines.includes(`6 ${result}`), helper.text)
      // All attributes of the question come back.
      const asked = question.split('\n').filter((line) => /^\d/.test(line))
      assert.deepEqual(
        asked.filter((line) => !lines.includes(line)),
        [],
      )
    }
    await helper.ended()
  })
}
