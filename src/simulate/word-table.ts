/** Numbers for the words of a trace, which are few and repeated: names of listeners, pools, remotes and servers. */

/** The number of the empty word, which stands for an absent field. */
export const NO_WORD = 0

export class WordTable {
  /** By number. */
  readonly texts: string[] = ['']
  readonly #ids = new Map<string, number>([['', NO_WORD]])

  idOf(text: string): number {
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    const id = this.texts.length
    const kept = detached(text)
    this.texts.push(kept)
    this.#ids.set(kept, id)
    return id
  }

  text(id: number): string {
    return this.texts[id] ?? ''
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A copy: the words of a line are slices, and V8 keeps the whole chunk of the file as long as one of them lives. */
function detached(text: string): string {
  return decoder.decode(encoder.encode(text))
}
