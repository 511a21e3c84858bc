import { BROKER, CHILDREN_ACCEPT, SINGLE } from '../harness/modes.js'
import { mavisLoadTests } from './mavis-load.js'

mavisLoadTests([SINGLE, BROKER, CHILDREN_ACCEPT], 2_000)
