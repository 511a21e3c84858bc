/** Writes docs/configuration.md from the directive table; run by `npm run docs`. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { LANDED } from '../config/landed.js'
import { referencePage } from '../config/reference.js'

const page = fileURLToPath(new URL('../../../docs/configuration.md', import.meta.url))
writeFileSync(page, referencePage(LANDED))
