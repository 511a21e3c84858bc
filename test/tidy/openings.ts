/** Whether a file opens with a comment that says what it is. */

/** Imports and re-exports at the start of a file. */
const IMPORTS = /^(?:(?:import|export)\s[^;]*?from '[^']+'\n|import '[^']+'\n|\n)*/

/** A doc comment, and the name of the declaration that follows it directly. */
const DOCUMENTED =
  /^\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n(?:export )?(?:abstract )?(?:class|function|interface|type|const) (\w+)/

/**
 * The opening stands before the imports. After them it may also be the comment of a first declaration that the file
 * is named after, or stand apart from the declaration that follows: the comment of a constant says nothing of the
 * file.
 */
export function hasOpening(path: string, text: string): boolean {
  if (text.startsWith('/**')) return true
  const rest = text.slice(IMPORTS.exec(text)?.[0].length ?? 0)
  if (!rest.startsWith('/**')) return false
  const [, name] = DOCUMENTED.exec(rest) ?? []
  return name === undefined || kebabCase(name) === fileName(path)
}

function kebabCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase()
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.ts$/, '')
}
