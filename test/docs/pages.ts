/** The pages of the documentation and the examples in them. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileOfProject } from '../harness/program.js'

export const PAGES: readonly string[] = [
  'README.md',
  ...readdirSync(fileOfProject('docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

export interface Example {
  readonly page: string
  /** The language after the opening fence; '' for none. */
  readonly language: string
  readonly text: string
}

/** The fenced blocks of a page. */
export function examplesOf(page: string): Example[] {
  const blocks = readFileSync(fileOfProject(page), 'utf8').matchAll(/^```(\w*)\n(.*?)^```$/gms)
  return [...blocks].map(([, language = '', text = '']) => ({ page, language, text }))
}
