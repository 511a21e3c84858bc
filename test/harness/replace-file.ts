import { renameSync, writeFileSync } from 'node:fs'

/** Replaces a file that another process may read at the same moment: it gets the old content or the new one. */
export function replaceFile(path: string, content: string | Uint8Array): void {
  writeFileSync(`${path}.new`, content)
  renameSync(`${path}.new`, path)
}
