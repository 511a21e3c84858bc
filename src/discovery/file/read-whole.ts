/** Reads a file that others write. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { errorReason } from '../error-reason.js'
import { SourceFailure } from '../source-failure.js'

/** Some hundred thousand members. */
const BYTES_MAX = 16 * 2 ** 20

/** Rejects with a `SourceFailure` that names the file. */
export async function readWhole(path: string): Promise<string> {
  let file: FileHandle | undefined
  try {
    // A FIFO without a writer would block a thread of the pool.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    return await textOf(file)
  } catch (error) {
    const reason = error instanceof SourceFailure ? error.message : errorReason(error)
    throw new SourceFailure(`cannot read ${path}: ${reason}`)
  } finally {
    await file?.close()
  }
}

async function textOf(file: FileHandle): Promise<string> {
  const stat = await file.stat()
  if (!stat.isFile()) throw new SourceFailure('not a regular file')
  if (stat.size > BYTES_MAX) throw new SourceFailure(`larger than ${BYTES_MAX} bytes`)
  const bytes = await file.readFile()
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new SourceFailure('it is not UTF-8')
  }
}
