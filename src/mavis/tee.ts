import { encodeLines } from '../wire/mavis-lines.js'
import { type Code, DOWN, FINAL, type Module, type ModuleServices, type Query } from './module.js'
import type { TeeSettings } from './settings.js'
import { TeeFile } from './tee-file.js'

/** Module `tee`: appends queries and answers to files, including passwords in them. */
export class Tee implements Module {
  readonly #in: TeeFile | undefined
  readonly #out: TeeFile | undefined

  constructor(settings: TeeSettings, services: ModuleServices) {
    const { pathIn, pathOut } = settings
    const file = (path: string) => new TeeFile(path, settings, services)
    this.#in = pathIn === undefined ? undefined : file(pathIn)
    // One object for one file: two would interleave partial records.
    this.#out = pathOut === undefined ? undefined : pathOut === pathIn ? this.#in : file(pathOut)
  }

  ask({ values }: Query, answer: (code: Code) => void): void {
    // The line format of the protocol: the attributes, then `=` without a code.
    this.#in?.append(`${encodeLines(values)}=\n`)
    answer(DOWN)
  }

  review({ values }: Query): typeof FINAL {
    this.#out?.append(`${encodeLines(values)}=\n`)
    return FINAL
  }

  async close(): Promise<void> {
    await Promise.all([this.#in?.close(), this.#out?.close()])
  }
}
