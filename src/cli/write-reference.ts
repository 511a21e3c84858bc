/** Writes the generated pages of docs/, from the directive table and the table of operations; run by `npm run docs`. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { operationsPage } from '../admin/operations/reference.js'
import { LANDED } from '../config/landed.js'
import { referencePage } from '../config/reference.js'

const folder = fileURLToPath(new URL('../../../docs/', import.meta.url))
writeFileSync(`${folder}configuration.md`, referencePage(LANDED))
writeFileSync(`${folder}admin.md`, operationsPage())
