import { mavisLoadTests } from './mavis-load.js'

mavisLoadTests(200)
