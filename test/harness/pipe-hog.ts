// Takes all pages that its user may have in pipes, frees PAGES of them, prints `taken` and holds the rest.
import { linuxCalls } from '../../src/kernel/linux-calls.js'

const PAGE_BYTES = 4096
const PAGES_MAX = 256
const PAGES_MIN = 16

const [pagesBack = 0] = process.argv.slice(2).map(Number)
const calls = linuxCalls()
const ends = new Int32Array(2)

/** Opens a pipe of that many pages; false if that exceeds the limit. */
function take(pages: number): boolean {
  if (calls.openPipe(ends) < 0) throw new Error('no more pipes')
  return calls.resizePipe(ends[1] as number, pages * PAGE_BYTES) >= 0
}

const large: number[] = []
for (let pages = PAGES_MAX; pages >= PAGES_MIN; ) {
  if (!take(pages)) pages /= 2
  else if (pages === PAGES_MAX) large.push(ends[1] as number)
}
for (let back = 0; back < pagesBack; back += PAGES_MAX / 2) {
  const pipe = large.pop()
  if (pipe === undefined || calls.resizePipe(pipe, (PAGES_MAX / 2) * PAGE_BYTES) < 0) {
    throw new Error('nothing to give back')
  }
}
console.info('taken')
setInterval(() => {}, 1_000_000)
