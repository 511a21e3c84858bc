import { stoppedChildTests } from './stopped-child.js'

stoppedChildTests(1_000)
