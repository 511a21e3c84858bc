import { mavisLoadTests } from './mavis-load.js'

mavisLoadTests(2_000)
