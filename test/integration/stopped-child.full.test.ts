import { stoppedChildTests } from './stopped-child.js'

stoppedChildTests(10_000)
