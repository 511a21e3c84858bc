import { BROKER } from '../harness/modes.js'
import { mavisLoadTests } from './mavis-load.js'

mavisLoadTests([BROKER], 200)
