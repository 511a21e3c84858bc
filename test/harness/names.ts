import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { temporaryFolder } from './clean-up.js'
import type { NamesAnswer } from './fake-lookup.js'
import { fileOfProject } from './program.js'
import { replaceFile } from './replace-file.js'

/** A name server for programs that are started with `environment`: all names in `.test` have the same answer. */
export class Names {
  readonly #file: string

  constructor(t: TestContext, first: NamesAnswer) {
    this.#file = join(temporaryFolder(t), 'names.json')
    this.answer(first)
  }

  get environment(): Readonly<Record<string, string>> {
    const preload = `file://${fileOfProject('dist/test/harness/fake-lookup.js')}?${this.#file}`
    return { NODE_OPTIONS: `--import=${preload}` }
  }

  /** Sets the answer for lookups that begin from now on. */
  answer(answer: NamesAnswer): void {
    replaceFile(this.#file, JSON.stringify(answer))
  }
}
